"""Commands that only read need no permission to write into the output folder; the others are refused in one line."""

import shutil
from pathlib import Path

import pytest

import ablate
from bench.records import store
from bench.system import locks

pytestmark = pytest.mark.usefixtures("obeyed")


@pytest.fixture
def out(smoke, tmp_path, monkeypatch):
    """A copy of a finished run that nobody may write, with a lock that a worker holds and one that was left."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    out = shutil.copytree(smoke.out, tmp_path / "out")
    first, second, *_ = sorted(store.folder(out).glob("*.json"))
    for file in (first, second):
        file.with_suffix(".lock").touch()
    with locks.lock(second.with_suffix(".lock")):
        set_modes(out, 0o222, writable=False)
        yield out
        set_modes(out, 0o222, writable=True)


def set_modes(folder, bits, writable):
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~bits | (0o200 if writable else 0))


def state(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "words, said",
    [
        ("doctor", "finished, but its temporary files remain"),
        ("report --check out/reports/report.json", "All 3 verdicts are the same"),
        ("export results.zip", "8 records in results.zip"),
        ("import out", "8 records imported"),
        ("list", "relu"),
    ],
)
def test_what_only_reads_works_in_a_folder_that_cannot_be_written(out, capsys, words, said):
    before, target = state(out), {"import": ("--out", "new"), "list": ()}.get(words.split()[0], ("--out", "out"))
    assert ablate.main([*words.split(), *target]) == (words == "doctor")
    assert said in capsys.readouterr().out
    assert state(out) == before


@pytest.mark.parametrize("place", ["out", "out/below", "empty"])
def test_a_plan_works_where_a_run_cannot_write_and_says_so(smoke, out, capsys, place):
    if place == "empty":
        Path("empty").mkdir(0o555)
    before = state(out)
    assert ablate.main(["plan", *smoke.arguments, "--out", place]) == 0
    output = capsys.readouterr().out
    assert f"{8 if place == 'out' else 0} done" in output
    assert f"{place} cannot be created or written ([Errno 13] Permission denied" in " ".join(output.split())
    assert state(out) == before


@pytest.mark.parametrize("words", ["run", "report", "doctor --fix", "import results.zip"])
def test_what_writes_is_refused_in_one_line(smoke, out, capsys, words):
    assert ablate.main(["export", "results.zip", "--out", "out"]) == 0
    Path("empty").mkdir(0o555)
    before, target = state(out), "empty" if words.startswith("import") else "out"
    arguments = smoke.arguments if words == "run" else ()
    assert ablate.main([*words.split(), *arguments, "--out", target]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ablate: ") and error.count("\n") == 1 and "--out" in error
    assert state(out) == before and not list(Path("empty").iterdir())


def test_a_run_is_refused_before_training_where_the_file_system_has_no_locks(smoke, tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    out = shutil.copytree(smoke.out, tmp_path / "out")
    monkeypatch.setattr("fcntl.flock", refuse)
    assert ablate.main(["run", *smoke.arguments, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert f"No locks available: '{out}" in error and "its file system has no locks: name a folder on another" in error
