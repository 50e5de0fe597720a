"""Records that are exported and imported give the same report as where they were made."""

import json

import pytest

from ablate import main


@pytest.fixture(scope="module")
def archive(ablate, smoke, tmp_path_factory):
    file = tmp_path_factory.mktemp("carried") / "results.zip"
    process = ablate("export", file, "--out", smoke.out)
    assert (process.returncode, process.stderr) == (0, ""), process.stderr
    assert process.stdout == f"8 records in {file}\n"
    return file


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in this process; it returns the exit status and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments):
        status = main([*map(str, arguments)])
        return status, capsys.readouterr().out

    return run_command


def report(out):
    return json.loads((out / "reports" / "report.json").read_text(encoding="utf-8"))


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
@pytest.mark.parametrize("import_route", ["a file", "a folder", "MLflow"])
def test_the_report_is_the_same_after_each_way(run, smoke, archive, tmp_path, import_route):
    origin = {"a file": archive, "a folder": smoke.out, "MLflow": f"sqlite:///{smoke.out / 'mlflow.db'}"}[import_route]
    counts = "8 records imported, 0 already here, 0 refused\n"
    assert run("import", origin, "--out", tmp_path / "out") == (0, counts)
    assert run("report", "--out", tmp_path / "out")[0] == 0
    assert report(tmp_path / "out") == report(smoke.out)
    assert len(report(smoke.out)["claims"]) == 1 and len(report(smoke.out)["controls"]) == 2


def test_importing_twice_adds_nothing_and_a_refusal_sets_the_exit_status(run, archive, tmp_path):
    assert run("import", archive, "--out", tmp_path)[0] == 0
    file = min((tmp_path / "trials").glob("*.json"))
    assert run("import", archive, "--out", tmp_path) == (0, "0 records imported, 8 already here, 0 refused\n")
    file = file.rename(file.with_name("0" * 16 + ".json"))
    status, printed = run("import", tmp_path, "--out", tmp_path / "other")
    assert status == 1
    assert " ".join(printed.split()) == (
        f"refused: {file} is not the record of its own job 7 records imported, 0 already here, 1 refused"
    )


def test_the_doctors_exit_status_shows_whether_something_is_left_to_fix(run, archive, tmp_path):
    run("import", archive, "--out", tmp_path)
    (tmp_path / "trials" / ("0" * 16 + ".json")).write_text("{")
    (unhealthy, broken), (fixed, repair), last = (run("doctor", *words, "--out", ".") for words in ((), ("--fix",), ()))
    assert (unhealthy, fixed, last) == (1, 0, (0, "healthy\n"))
    assert broken.startswith("broken ") and repair.startswith("fixed ")
