"""A disk that takes no more, at every kind of file that a run writes; a limit on the size of files stands for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from runs import asked, run, same

from bench.records import store


def limited(words: list[str], kib: int) -> list[str]:
    return ["bash", "-c", f'ulimit -f {kib}; exec "$@"', "bash", *words]


@pytest.fixture
def done(alone, tmp_path) -> Path:
    """The results of a run that ended well, less a record whose weights were not kept: those would be written first."""
    out = shutil.copytree(alone, tmp_path / "out")
    min(file for file in store.folder(out).glob("*.json") if not store.weights(out, file.stem).exists()).unlink()
    return out


@pytest.fixture
def words(command, short, tmp_path) -> list[str]:
    return asked(command, tmp_path, short)


def refused(told: subprocess.CompletedProcess[str], what: str) -> None:
    """In a clear line that says what cannot be written, with an exit status, and without a traceback."""
    said = told.stdout + told.stderr
    assert told.returncode in (1, 2), said
    assert "Traceback" not in said
    assert any(what in line and ("too large" in line or "disk" in line) for line in said.splitlines()), said


def results(out: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in store.folder(out).glob("*.json")}


def test_a_disk_that_is_full_loses_nothing_and_the_same_command_goes_on(words, marked, alone, done, tmp_path):
    before = results(done)
    record = min(map(len, before.values())) // 1024 - 1  # room for a trial's points, and none for its record
    for what, seconds in (".checkpoint", "0"), (".json", "1000"):
        refused(run(limited(words, record), marked | {"ABLATE_CHECKPOINT_SECONDS": seconds}, tmp_path), what)
        assert results(done) == before and store.read_all(done)
    (done / "mlflow.db").unlink()
    refused(run(limited(words, 400), marked | {"ABLATE_CHECKPOINT_SECONDS": "1000"}, tmp_path), "MLflow")
    assert run(words, marked, tmp_path).returncode == 0
    same(done, alone)


def test_a_disk_that_is_full_at_the_report(command, marked, done, tmp_path):
    before = {file: file.read_bytes() for file in (done / "reports").iterdir()}
    refused(run(limited([*command, "report", "--out", str(done)], 20), marked, tmp_path), "report.html")
    assert {file: file.read_bytes() for file in (done / "reports").iterdir()} == before
