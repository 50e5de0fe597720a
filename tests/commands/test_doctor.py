"""Findings of the doctor; its repairs delete no measurement."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from filelock import FileLock
from running import half_written

import ablate
from bench import REVISION
from bench.records import cleanup, store, validation
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial, identity
from bench.tracking import mlflow_client, mlflow_database
from bench.tracking.publisher import Publisher
from bench.training import checkpoint
from commands import doctor

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own


@pytest.fixture
def out(smoke, tmp_path, monkeypatch):
    """A copy of a finished run without a database, on a machine without mlflow."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shutil.copytree(smoke.out, tmp_path / "out", ignore=shutil.ignore_patterns("mlflow*", "artifacts", "reports"))
    return tmp_path / "out"


@pytest.fixture
def published(smoke, tmp_path, monkeypatch):
    """A copy of a finished run with its database."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    out = shutil.copytree(smoke.out, tmp_path / "out")
    mlflow_database.follow_moved_folder(mlflow_client.tracking_uri(out))
    return out


def findings(out):
    return [(finding.state, finding.text.split(":")[0].split(" ")[0]) for finding in doctor.examine(out)]


def repair(out):
    """Repair each finding immediately, like the command."""
    for finding in doctor.examine(out):
        if finding.repair:
            finding.repair()


def contents(folder):
    return {file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def names(out):
    return sorted(file.stem for file in store.folder(out).glob("*.json"))


def dead_process():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_finished_run_is_healthy(published):
    assert findings(published) == []


def test_an_empty_folder_is_healthy_and_stays_empty(tmp_path):
    for words in (["doctor"], ["doctor", "--fix"]):
        assert ablate.main([*words, "--out", str(tmp_path)]) == 0
    assert not list(tmp_path.iterdir())


def test_a_trial_that_was_killed_is_pending_and_its_checkpoint_stays(digits, tmp_path, monkeypatch):
    write, trial = checkpoint.write, Trial(ModelConfig(width=1 / 16), TrainConfig(epochs=2, share=0.2), digits.data, 0)

    def killed(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    store.folder(tmp_path).mkdir()
    monkeypatch.setattr(checkpoint, "interval_timer", lambda interval_s=0.0: lambda: True)
    monkeypatch.setattr(checkpoint, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        worker.perform(Task(trial, digits, tmp_path, keep_weights=False))
    name, before = store.path(tmp_path, trial).stem, contents(tmp_path)
    (finding,) = doctor.examine(tmp_path)
    assert finding == ("pending", f"{name}: interrupted; a run that needs it resumes from its checkpoint", None)
    repair(tmp_path)
    assert contents(tmp_path) == before and checkpoint.read(tmp_path, trial)["points"]


def test_a_job_that_was_killed_before_a_checkpoint_starts_again(out):
    store.path(out, names(out)[0]).with_suffix(".part").write_text("{}\n")
    store.path(out, names(out)[0]).unlink()
    states = [finding.text for finding in doctor.examine(out) if "interrupted" in finding.text]
    assert states == [
        f"{next(store.folder(out).glob('*.part')).stem}: interrupted before its first checkpoint; "
        "a run that needs it restarts it"
    ]


def test_a_job_that_a_run_is_at_is_running_and_left_alone(out):
    name = "0" * 16
    store.part_file(out, name).write_text("{}\n")
    with FileLock(store.lock_file(out, name)):
        assert findings(out) == [("running", name)]
        repair(out)
        assert store.part_file(out, name).exists()
    assert findings(out) == [("pending", name)]


def test_part_files_beside_a_result_are_stale_and_removed(out):
    name, before = names(out)[0], contents(store.folder(out))
    for file in store.unfinished_files(out, name):
        file.write_text("left")
    assert findings(out) == [("stale", name)]
    repair(out)
    assert findings(out) == [] and contents(store.folder(out)) == before


def test_a_failure_is_pending_and_its_checkpoint_is_no_leftover(out):
    name = names(out)[0]
    store.write(out, store.read(out, name) | {"status": "timed out", "reason": "it took more than 24 hours"})
    file = store.path(out, name).with_suffix(".checkpoint")
    file.write_text("what a retry goes on from")
    failure, checkpoint = doctor.examine(out)
    assert [finding[::2] for finding in (failure, checkpoint)] == [("pending", None)] * 2
    assert failure.text == f"{name}.json: timed out (it took more than 24 hours): run --retry-failed"
    repair(out)
    assert file.exists()


def test_broken_records_are_moved_aside_under_different_names(out):
    file = min(store.folder(out).glob("*.json"))
    intact = file.read_bytes()
    for content in (intact[:99], b"[]", intact.replace(b'"seed": ', b'"seed": 7')):
        file.write_bytes(content)
        assert findings(out)[0][0] == "broken"
        repair(out)
        assert not file.exists()
    moved_files = sorted(file.name for file in (out / cleanup.BROKEN).iterdir() if file.suffix == ".json")
    assert moved_files == [f"{file.stem}.2.json", f"{file.stem}.3.json", file.name]
    assert {intact[:99], b"[]"} < contents(out / cleanup.BROKEN)


def test_weights_without_a_record_are_orphaned_and_moved_aside(out):
    weights = min(store.folder(out).glob("*.safetensors"))
    content = weights.read_bytes()
    store.path(out, weights.stem).unlink()
    assert findings(out) == [("orphaned", weights.name)]
    repair(out)
    assert findings(out) == [] and (out / cleanup.BROKEN / weights.name).read_bytes() == content


def test_temporary_files_are_stale_only_if_their_process_is_dead(out):
    before, dead = contents(out), dead_process()
    for process in (dead, os.getpid()):
        half_written(store.path(out, "0" * 16), process).write_text("{")
        pixels = half_written(out / "cache" / "digits-32+4-2", process)
        pixels.mkdir()
        (pixels / "train_pixels.npy").write_text("half")
    assert [state for state, _ in findings(out)] == ["stale"] * 2
    repair(out)
    assert findings(out) == [] and before < contents(out)
    assert len([*out.rglob(f"*-{os.getpid()}-*")]) == 2 and not [*out.rglob(f"*-{dead}-*")]


def test_a_record_of_an_earlier_revision_is_kept_and_needs_no_repair(out):
    file = min(store.folder(out).glob("*.json"))
    record = validation.load_current(file)
    earlier = store.write(
        out, record | {"identity": identity(validation.build_job(record), REVISION - 1), "status": "died"}
    )
    (finding,) = doctor.examine(out)
    finding_text = f"{earlier.name}: from revision {REVISION - 1}: kept, but not used"
    assert finding == ("earlier", finding_text, None)


# MLflow


def runs(out):
    publisher = Publisher(out)
    all_runs = mlflow_client.find_runs(publisher.client, publisher.experiment_ids)
    return sorted((run.data.tags["identity"], run.info.status) for run in all_runs if run.data.tags.get("kind"))


def test_a_folder_whose_damaged_record_was_moved_aside_is_healthy(published, capsys):
    file = min(store.folder(published).glob("*.json"))
    file.write_text("{")
    assert [ablate.main([*words, "--out", str(published)]) for words in (["doctor"], ["doctor", "--fix"])] == [1, 0]
    assert ablate.main(["doctor", "--out", str(published)]) == 0
    assert f"pending  MLflow: {file.stem} has no record here (fetch it: ablate import" in capsys.readouterr().out


def test_runs_that_differ_from_the_records_are_repaired_by_publishing(published):
    before, client = runs(published), Publisher(published).client
    absent, half, twice = names(published)[:3]
    published_runs = Publisher(published).runs
    client.delete_run(published_runs[absent].info.run_id)
    client.update_run(published_runs[half].info.run_id, status="RUNNING")
    for _ in range(2):
        run = client.create_run(published_runs[twice].info.experiment_id, tags={"identity": twice, "kind": "trial"})
        assert run.info.status == "RUNNING"
    states = {finding.text: finding.state for finding in doctor.examine(published)}
    assert states[f"MLflow: {absent} is not published"] == "pending"
    assert states[f"MLflow: {half} is half published"] == "stale"
    assert states[f"MLflow: {twice} has several runs"] == "stale"
    repair(published)
    assert list(doctor.examine(published)) == []
    assert runs(published) == before


def test_a_run_without_a_record_is_kept_since_it_may_hold_the_only_one(published):
    missing, half = names(published)[:2]
    published_runs, client = Publisher(published).runs, Publisher(published).client
    client.create_run(published_runs[missing].info.experiment_id, tags={"identity": missing, "kind": "trial"})
    for name in (missing, half):
        for file in store.folder(published).glob(f"{name}.*"):
            file.unlink()
    client.update_run(published_runs[half].info.run_id, status="RUNNING")
    repair(published)
    ended = [status for identity, status in runs(published) if identity == half]
    assert ended == ["KILLED"] and (missing, "FINISHED") in runs(published)
    assert {finding.state for finding in doctor.examine(published)} == {"orphaned"}


def test_what_others_publish_to_a_server_is_no_illness(published, monkeypatch):
    missing, half = names(published)[:2]
    publisher = Publisher(published)
    publisher.client.update_run(publisher.runs[half].info.run_id, status="RUNNING")
    for name in (missing, half):
        store.path(published, name).unlink()
        store.weights_file(published, name).unlink(missing_ok=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_client.tracking_uri(published))
    assert list(doctor.examine(published)) == []


def test_a_job_that_was_measured_again_is_stale_in_mlflow_until_it_is_published_again(published):
    name = names(published)[0]
    store.write(published, store.read(published, name) | {"ended": time.time()})
    assert [finding[:2] for finding in doctor.examine(published)] == [
        ("stale", f"MLflow: {name} was measured again since it was published")
    ]
    repair(published)
    assert list(doctor.examine(published)) == []


def test_a_job_that_another_machine_measured_later_needs_no_repair(published):
    record = store.read(published, names(published)[0])
    store.write(published, record | {name: record[name] - 60 for name in ("started", "ended")})
    assert list(doctor.examine(published)) == []


def test_without_a_database_records_are_pending_and_no_database_is_made(published):
    (published / "mlflow.db").unlink()
    assert findings(published) == [("pending", "MLflow")] * len(names(published))
    assert not (published / "mlflow.db").exists()
    repair(published)
    assert list(doctor.examine(published)) == []
    assert {identity for identity, _ in runs(published)} == set(names(published))


def test_an_unreachable_server_is_reported_without_a_local_database(published, monkeypatch):
    (published / "mlflow.db").unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (finding,) = doctor.examine(published)
    assert finding.state == "broken" and "http://127.0.0.1:9 cannot be read" in finding.text and finding.repair is None


def test_losing_the_server_during_a_repair_is_reported_in_one_line(published, monkeypatch):
    def fail_to_connect(*_):
        raise ModuleNotFoundError("No module named 'boto3'")

    (published / "mlflow.db").unlink()
    monkeypatch.setattr(Publisher, "publish", fail_to_connect)
    finding = next(doctor.examine(published))
    with pytest.raises(InputError, match="the repair in MLflow failed: ModuleNotFoundError: No module named 'boto3'"):
        finding.repair()


def test_a_run_of_somebody_else_among_ours_is_left_alone(published):
    publisher = Publisher(published)
    publisher.client.create_run(next(iter(publisher.runs.values())).info.experiment_id, tags={"kind": "mine"})
    assert list(doctor.examine(published)) == []


def test_a_moved_folder_is_named_and_repaired_and_looking_changes_nothing(published, tmp_path):
    moved = published.rename(tmp_path / "moved")
    database = (moved / "mlflow.db").read_bytes()
    (finding,) = doctor.examine(moved)
    assert (
        finding.state == "stale"
        and f"was moved or copied: its files are still expected in {published.as_uri()}" in (finding.text)
    )
    assert (moved / "mlflow.db").read_bytes() == database
    finding.repair()
    assert list(doctor.examine(moved)) == [] and not published.exists()


def test_a_broken_record_does_not_keep_mlflow_from_being_examined(published):
    file = min(store.folder(published).glob("*.json"))
    file.write_text("[]")
    assert findings(published) == [("broken", str(file)), ("orphaned", "MLflow")]


def test_a_damaged_database_in_the_output_folder_is_moved_aside(published, monkeypatch):
    (published / "mlflow.db").write_text("no database")
    (finding,) = doctor.examine(published)
    assert finding.state == "broken" and "file is not a database" in finding.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    (unreachable,) = doctor.examine(published)
    assert unreachable.state == "broken" and unreachable.repair is None
    assert "127.0.0.1:9 cannot be read" in unreachable.text
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    for number in "", ".2":
        (published / "mlflow.db").write_text("no database")
        (published / "mlflow.db-journal").write_text(f"its journal{number}")
        finding.repair()
        assert findings(published) == [("pending", "MLflow")] * len(names(published))
        assert (published / cleanup.BROKEN / f"mlflow{number}.db").read_text() == "no database"
        assert (published / cleanup.BROKEN / f"mlflow{number}.db-journal").read_text() == f"its journal{number}"


def test_a_database_that_is_only_locked_is_not_put_aside(published):
    with closing(sqlite3.connect(published / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        (finding,) = doctor.examine(published)
    assert "database is locked" in finding.text and finding.repair is None
    assert list(doctor.examine(published)) == []


def test_the_former_name_of_fix_still_works_in_scripts(tmp_path, capsys):
    store.folder(tmp_path).mkdir()
    (store.folder(tmp_path) / "0123456789abcdef.json").write_text("{")
    assert ablate.main(["doctor", "--mend", "--out", str(tmp_path)]) == 0
    assert "fixed" in capsys.readouterr().out
    assert ablate.main(["doctor", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize("content", ["", "{", '{"studies": []}', None], ids=["empty", "cut", "incomplete", "changed"])
def test_a_damaged_request_is_moved_aside(out, capsys, content):
    file = out / "run.json"
    file.write_text(file.read_text().replace('"smoke"', '"lavish"') if content is None else content)
    assert [ablate.main(["doctor", *words, "--out", str(out)]) for words in ([], ["--fix"], [])] == [1, 0, 0]
    assert f"broken   {file} is damaged" in capsys.readouterr().out
    assert not file.exists() and (out / "broken" / "run.json").exists()
