import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from documented_events import assert_documented, example

from ablations.framework.seeds import INTERIM_ANALYSES
from bench import REVISION
from bench.records import store, validation
from bench.spec.jobs import identity


def error_line(process):
    """Return the error message: exit status 2, one line on stderr, no traceback."""
    assert process.returncode == 2, (process.stdout, process.stderr)
    assert process.stderr.startswith("ablate: ") and process.stderr.count("\n") == 1, process.stderr
    return process.stderr


def test_list_shows_every_study_with_its_question_and_claims(ablate, tmp_path):
    process = ablate("list", cwd=tmp_path)
    assert process.returncode == 0 and not process.stderr
    article, heading, literature = process.stdout.partition("From the literature, not claimed by the article\n")
    for word in ("architecture", "augmentation", "dropout", "kernels", "lrn", "relu", "relu-speed", "?"):
        assert word in article
    assert heading and "lrn-constant" in literature and "lrn-constant" not in article
    lines = process.stdout.splitlines()
    (setting,) = [after for line, after in itertools.pairwise(lines) if line.startswith("    augmentation: ")]
    assert setting == (
        "        setting: AlexNet scaled to the data, no other regularisation; both against none: test accuracy at "
        "least +1 point and overfitting gap at least 2 points lower; needs none: train accuracy at least 95 % and "
        "overfitting gap at least 10 points"
    )
    assert not list(tmp_path.iterdir())


def test_packages_of_the_same_names_are_not_taken_for_ours(environment, command, tmp_path):
    """Neither from PYTHONPATH nor from the working directory, which `python -m` searches first."""
    for name in ("ablations", "bench", "commands", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    project = str(Path(command[1]).parent)
    for words, path in ((command, str(tmp_path)), ((command[0], "-m", "ablate"), project)):
        variables = environment | {"PYTHONPATH": path}
        process = subprocess.run([*words, "list"], cwd=tmp_path, env=variables, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
        assert "relu-speed" in process.stdout


def test_plan_prints_jobs_time_and_disk_and_trains_nothing(ablate, tmp_path):
    process = ablate("plan", "--data", "digits", "--device", "cpu", "--profile", "smoke", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    for word in ("814 train", "smoke", "dropout", "jobs", "MB"):
        assert word in process.stdout
    assert not list(tmp_path.glob("out/trials/*"))
    assert not (tmp_path / "out" / "mlflow.db").exists()


def test_plan_counts_what_is_done(ablate, smoke):
    process = ablate("plan", *smoke.arguments, "--out", smoke.out)
    assert process.returncode == 0, process.stderr
    assert "8 jobs,    8 done" in process.stdout
    assert "0 jobs to run" in process.stdout and "(all 8 jobs: about " in process.stdout


def test_plan_estimates_a_number_of_gpus(ablate, tmp_path):
    process = ablate("plan", "relu", "--data", "digits", "--cluster", "64", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert (
        "profile standard, 10 seeds (stated comparisons: looks at 3, 5, 8, 12), device cuda" in process.stdout
        and "512 at once" in process.stdout
    )


@pytest.mark.parametrize("words", [(), ("list",), ("plan",), ("run",), ("report",), ("ui",)], ids=" ".join)
def test_help_is_there_for_every_command(ablate, tmp_path, words):
    process = ablate(*words, "--help", cwd=tmp_path)
    assert process.returncode == 0 and process.stdout.startswith("usage: ablate") and not process.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        ("run nope", "study 'nope' not found"),
        ("run nope.py", "study file nope.py not found"),
        ("run --data nowhere", "there is no folder nowhere"),
        ("run --data . --seeds 0", "--seeds is 0"),
        ("run --data digits --limit soon", "--limit is 'soon'"),
        ("run --data digits --out file", "file is a file: name a folder with --out"),
        ("plan --data digits --out file/below", "file/below cannot be created"),
        ("run relu --data digits --cluster 8", "expected an address; a number is for `ablate plan` only"),
        ("plan relu --data digits --cluster 0", "--cluster 0 has no cpu device: name another cluster or --device"),
        ("report", "run.json not found: run studies into out first"),
        ("report --out file", "file is a file: name a folder with --out"),
    ],
)
def test_what_cannot_be_used_is_answered_in_one_line(ablate, tmp_path, words, message):
    (tmp_path / "file").write_text("not a folder")
    device = () if words.startswith("report") else ("--device", "cpu")
    assert message in error_line(ablate(*words.split(), *device, cwd=tmp_path))
    assert not list(tmp_path.glob("*/trials/*"))


@pytest.mark.parametrize("words", ["", "dance", "run --profile lavish", "run --seeds few", "run --device tpu"])
def test_an_unknown_command_or_option_exits_with_2_and_one_line_that_names_the_help(ablate, tmp_path, words):
    process = ablate(*words.split(), cwd=tmp_path)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert line.startswith("ablate: ") and line.endswith("; see: ablate run --help" if "run" in words else "--help")


def test_a_missing_gpu_is_reported(ablate, tmp_path):
    process = ablate("run", "--data", "digits", "--device", "cuda", cwd=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert "there is no GPU that torch can use" in error_line(process)


def without_test(root):
    shutil.rmtree(root / "test")
    return "has no folder test/ that can be read"


def other_classes(root):
    (root / "test" / "teal").rename(root / "test" / "green")
    return "differ (green, teal)"


def an_empty_class(root):
    for file in (root / "train" / "red").iterdir():
        file.unlink()
    return "there is no image in"


def one_class(root):
    for split in ("train", "test"):
        shutil.rmtree(root / split / "teal")
        shutil.rmtree(root / split / "ultramarine")
    return "one class only"


def a_broken_image(root):
    file = root / "train" / "teal" / "3.png"
    file.write_bytes(file.read_bytes()[:200])
    return "3.png cannot be read as an image"


@pytest.mark.parametrize("harm", [without_test, other_classes, an_empty_class, one_class, a_broken_image])
def test_a_folder_that_is_no_data_set_is_refused_in_one_line(ablate, images, tmp_path, harm):
    root = tmp_path / "images"
    shutil.copytree(images, root)
    message = harm(root)
    assert message in error_line(ablate("run", "--data", root, "--device", "cpu", cwd=tmp_path))
    assert not list(tmp_path.glob("out/trials/*"))


def verdicts(out):
    report = json.loads((out / "reports" / "report.json").read_text())
    return [(claim["id"], claim["verdict"], claim["estimate"]) for claim in report["claims"] + report["controls"]]


def test_a_users_study_on_a_users_images_runs_and_is_reported(smoke):
    assert smoke.process.returncode == 0, smoke.process.stdout + smoke.process.stderr
    assert smoke.process.stderr == ""
    assert "tints: 108 train, 12 validation, 60 test images" in smoke.process.stdout
    assert "[8/8]" in smoke.process.stdout
    reports = smoke.out / "reports"
    assert sorted(f.name for f in reports.iterdir()) == ["report.html", "report.json", "report.pdf", "trials.csv"]
    assert [name for name, *_ in verdicts(smoke.out)] == ["tanh-better", "my_study:a-a", "my_study:shuffled"]
    assert (reports / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "tanh (at p = 0 %) [ü]" in (reports / "report.html").read_text(encoding="utf-8")


def test_what_the_run_ends_with_names_verdicts_and_files(smoke):
    ending = smoke.process.stdout.partition("[8/8]")[2]
    (name, verdict, _), *_ = verdicts(smoke.out)
    assert re.search(rf"^. {verdict} +{name} +Tanh beats ReLU +", ending, re.M)
    assert "\nControls: " in ending and "my_study:a-a" not in ending
    for word in (f"Report: {smoke.out / 'reports' / 'report.html'}\n", "MLflow: ", f" ui --out {smoke.out}\n"):
        assert word in ending
    command = f"run {smoke.study} --profile quick --data {smoke.images} --device cpu --out {smoke.out}\n"
    assert ending.rpartition("Next: ")[2].partition("ablate.py ")[2].startswith(command)


def test_the_table_of_trials_has_one_row_per_trial(smoke):
    with (smoke.out / "reports" / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["arm"] for row in rows} == {"relu", "tanh (at p = 0 %) [ü]", "again", "shuffled labels"}
    assert all(row["status"] == "finished" and 0 <= float(row["test/accuracy"]) <= 1 for row in rows)


def test_a_report_from_anywhere_gives_the_same_verdicts(ablate, smoke, tmp_path):
    shutil.copytree(smoke.out, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "reports")
    process = ablate("report", "--out", tmp_path / "out", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert verdicts(tmp_path / "out") == verdicts(smoke.out)
    for name in ("report.html", "report.pdf", "trials.csv"):
        ours, theirs = (out / "reports" / name for out in (tmp_path / "out", smoke.out))
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_verbose_also_prints_every_claim_and_control_with_its_numbers(ablate, smoke, tmp_path):
    shutil.copytree(smoke.out, tmp_path / "out")
    brief, full = (ablate("report", "--out", tmp_path / "out", *words).stdout for words in ((), ("--verbose",)))
    assert full.endswith(brief)
    for name, verdict, _ in verdicts(smoke.out):
        assert name in full.removesuffix(brief) and (verdict in full or ":" in name)


def test_a_second_run_trains_nothing_even_if_the_server_cannot_be_reached(ablate, smoke, tmp_path):
    shutil.copytree(smoke.out / "trials", tmp_path / "trials")
    before = {file.name: file.read_bytes() for file in (tmp_path / "trials").iterdir()}
    start = time.monotonic()
    process = ablate("run", *smoke.arguments, "--out", tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert time.monotonic() - start < 60
    assert process.returncode == 0, process.stdout + process.stderr
    assert "MLflow cannot be reached" in process.stdout
    assert "[1/" not in process.stdout
    assert {file.name: file.read_bytes() for file in (tmp_path / "trials").iterdir()} == before
    assert verdicts(tmp_path) == verdicts(smoke.out)


def test_a_limit_that_is_over_leaves_jobs_and_says_so(ablate, smoke, tmp_path):
    process = ablate(
        "run", *smoke.arguments, "--out", tmp_path, "--limit", "0s", MLFLOW_TRACKING_URI="http://127.0.0.1:9"
    )
    assert process.returncode == 0, process.stderr
    last_lines = process.stdout.splitlines()[-2:]
    assert last_lines[0].endswith(f"--out {tmp_path} --limit 0s") and last_lines[0].startswith("Next: ")
    assert last_lines[1] == "        runs 8 jobs without a record yet"
    assert "\nnot run: tanh-better\n" in process.stdout
    assert not list((tmp_path / "trials").glob("*.json"))
    assert {verdict for _, verdict, _ in verdicts(tmp_path)} == {"not run"}


def test_jobs_that_follow_from_tuning_are_in_every_sum(ablate, tmp_path):
    """They are in the plan and its rows, and in the first and the last line of a run."""
    arguments = "relu", "--data", "digits", "--device", "cpu", "--profile", "smoke", "--seeds", "2", "--out", tmp_path
    plan = ablate("plan", *arguments).stdout
    total, row = (
        int(re.search(sum_of, plan, re.MULTILINE)[1]) for sum_of in (r"^(\d+) jobs to run", r"^relu +(\d+) jobs")
    )
    assert row == total
    output = ablate("run", *arguments, "--limit", "0s", MLFLOW_TRACKING_URI="http://127.0.0.1:9").stdout
    assert f"\n0 of {total} jobs are done already\n" in output
    assert f"runs {total} jobs without a record yet" in output


def records_in(out):
    return {file.name: file.read_bytes() for file in (out / "trials").glob("*.json")}


@pytest.fixture(scope="session")
def looking(ablate, smoke, tmp_path_factory):
    """A run with looks: a study with as many seeds as the first one needs, which begins with the smoke run's trials.

    It prints its events as JSON, and the study file prints to stdout itself.
    """
    folder = tmp_path_factory.mktemp("looks")
    study = folder / "my_study.py"
    text = smoke.study.read_text(encoding="utf-8").replace("    arms=", '    seeds={"smoke": 3},\n    arms=')
    study.write_text(f"print('no event')\n{text}", encoding="utf-8")
    shutil.copytree(smoke.out / "trials", folder / "out" / "trials")
    run = smoke._replace(study=study, out=folder / "out")
    process = ablate("run", *run.arguments, "--out", run.out, "--json", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    return run._replace(process=process)


def test_a_run_adds_seeds_look_by_look_until_its_claim_is_decided(looking):
    """Both arms of the claim go from 3 seeds to 12 at most; the controls stay."""
    assert looking.process.returncode == 0, looking.process.stdout + looking.process.stderr
    report = json.loads((looking.out / "reports" / "report.json").read_text())
    (claim,), controls = report["claims"], report["controls"]
    assert claim["pairs"] in INTERIM_ANALYSES
    assert claim["verdict"] in ("supported", "refuted", "negligible") or claim["pairs"] == INTERIM_ANALYSES[-1]
    assert [control["pairs"] for control in controls] == [3, 3]
    assert len(records_in(looking.out)) == 2 * claim["pairs"] + 2 * 3
    lines = re.findall(r"^\[(\d+)/(\d+)\] .*; (at most|about) ", looking.process.stderr, re.MULTILINE)
    assert lines[-1] == (lines[-1][1], lines[-1][1], "about") and lines[0][2] == "at most"
    assert [int(done) for done, *_ in lines] == sorted(int(done) for done, *_ in lines)


def test_the_events_of_a_run_lead_from_its_setting_to_its_verdicts(looking, monkeypatch, capsys):
    """As the example of docs/scripting.md reads them."""
    started = []

    def start(words, stdout):
        started.append(words)
        return nullcontext(SimpleNamespace(stdout=looking.process.stdout.splitlines()))

    monkeypatch.setattr(subprocess, "Popen", start)
    exec(example(), names := {})
    assert started == [[".venv/bin/ablate", "run", "my_study.py", "--json"]]
    first, *between, last = names["events"]
    assert_documented(names["events"])
    ended = [event for event in between if event["event"] == "job_done"]
    assert first["done"] + len(ended) == ended[-1]["done"] == len(records_in(looking.out))
    assert all(f"{event['identity']}.json" in records_in(looking.out) for event in ended)
    report = json.loads((looking.out / "reports" / "report.json").read_text())
    assert last["claims"] == [{name: claim[name] for name in last["claims"][0]} for claim in report["claims"]]
    assert last["verdicts"] == {report["claims"][0]["verdict"]: 1} and last["exit_status"] == 0
    assert capsys.readouterr().out.split()[:2] == ["tanh-better", report["claims"][0]["verdict"].split()[0]]
    assert all(Path(file).is_file() for file in last["files"].values())
    assert looking.process.stderr.startswith("no event\n")


def test_a_finished_run_with_looks_does_nothing_again_and_its_report_stays(ablate, looking, tmp_path):
    """Even without the request of the last run, which holds the numbers of seeds: the looks are then judged again."""
    shutil.copytree(looking.out, tmp_path / "out")
    before, records = verdicts(looking.out), records_in(looking.out)
    assert ablate("report", "--out", tmp_path / "out").returncode == 0
    assert verdicts(tmp_path / "out") == before
    for request in (looking.out / "run.json", None):
        if request is None:
            (tmp_path / "out" / "run.json").unlink()
        process = ablate("run", *looking.arguments, "--out", tmp_path / "out", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
        assert process.returncode == 0 and "[1/" not in process.stdout, process.stdout + process.stderr
        assert verdicts(tmp_path / "out") == before and records_in(tmp_path / "out") == records


def test_a_requested_number_of_seeds_has_no_looks(ablate, looking, tmp_path):
    shutil.copytree(looking.out / "trials", tmp_path / "trials")
    arguments = "run", *looking.arguments, "--seeds", "2", "--out", tmp_path
    assert ablate(*arguments, MLFLOW_TRACKING_URI="http://127.0.0.1:9").returncode == 0
    (claim,) = json.loads((tmp_path / "reports" / "report.json").read_text())["claims"]
    assert claim["pairs"] == 2 and records_in(tmp_path) == records_in(looking.out)


def test_a_limit_ends_an_undecided_run(ablate, looking, smoke, tmp_path):
    shutil.copytree(smoke.out / "trials", tmp_path / "trials")
    arguments = "run", *looking.arguments, "--limit", "0s", "--out", tmp_path
    assert ablate(*arguments, MLFLOW_TRACKING_URI="http://127.0.0.1:9").returncode == 0
    assert len(records_in(tmp_path)) == 8
    assert json.loads((tmp_path / "run.json").read_text())["extra_seeds"] == {}


def test_records_of_an_earlier_revision_are_named_in_one_line_and_not_used(ablate, smoke, tmp_path):
    shutil.copytree(smoke.out, tmp_path / "out")
    for file in (tmp_path / "out" / "trials").glob("*.json"):
        record = json.loads(file.read_text())
        job = validation.build_job(record)
        record["identity"] = identity(job, REVISION - 1)
        file.unlink()
        store.write(tmp_path / "out", record)
    note = f"holds records of revision {REVISION - 1} or earlier that are not used: 8\n"
    report = ablate("report", "--out", tmp_path / "out")
    assert report.returncode == 0 and report.stdout.count(note) == 1, report.stdout + report.stderr
    assert {verdict for _, verdict, _ in verdicts(tmp_path / "out")} == {"not run"}
    arguments = "run", *smoke.arguments, "--limit", "0s", "--out", tmp_path / "out"
    run = ablate(*arguments, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert run.stdout.count(note) == 1 and "\n0 of 8 jobs are done already\n" in run.stdout


def test_a_users_own_ablate_is_not_taken_for_this_one(tmp_path):
    for name in ("ablate", "bench"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError")
    path = os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2])))
    code = "import sys, ablate_entry; sys.exit(ablate_entry.main(['list']))"
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0 and process.stdout.startswith("architecture"), process.stderr
