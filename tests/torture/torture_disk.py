"""A disk that takes no more, at every kind of file that a run writes; a limit on the size of files stands for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from torture_kill import STUDY, run

from bench import records

KIB = 1024


def limited(asked: list[str], kib: int) -> list[str]:
    return ["bash", "-c", f'ulimit -f {kib}; exec "$@"', "bash", *asked]


@pytest.fixture
def asked(command, tmp_path) -> list[str]:
    (tmp_path / "small.py").write_text(STUDY)
    asked = [*command, "run", "small.py", "--profile", "smoke", "--data", "digits", "--device", "cpu", "--seeds", "2"]
    return [*asked, "--out", str(tmp_path / "out")]


@pytest.fixture
def done(asked, marked, tmp_path) -> Path:
    """A run that ended well, less one record."""
    out = tmp_path / "out"
    assert run(asked, marked, tmp_path).returncode == 0
    min(records.folder(out).glob("*.json")).unlink()
    return out


def refused(told: subprocess.CompletedProcess[str]) -> None:
    """In one clear line, with an exit status, and without a traceback."""
    assert told.returncode in (1, 2), told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert "too large" in told.stdout + told.stderr or "disk" in told.stdout + told.stderr


@pytest.mark.parametrize("what, kib, seconds", [("checkpoint", 100, "0"), ("record", 1, "1000")])
def test_a_disk_that_is_full_at_a_trials_files(asked, marked, done, tmp_path, what, kib, seconds):
    before = {file: file.read_bytes() for file in records.folder(done).glob("*.json")}
    refused(run(limited(asked, kib), marked | {"ABLATE_CHECKPOINT_SECONDS": seconds}, tmp_path))
    assert {file: file.read_bytes() for file in records.folder(done).glob("*.json")} == before
    assert all(json.loads(content) for content in before.values())
    assert run(asked, marked, tmp_path).returncode == 0
    assert len(records.read_all(done)) == len(before) + 1


def test_a_disk_that_is_full_at_mlflow(asked, marked, done, tmp_path):
    (done / "mlflow.db").unlink()
    refused(run(limited(asked, 400), marked | {"ABLATE_CHECKPOINT_SECONDS": "1000"}, tmp_path))
    assert run(asked, marked, tmp_path).returncode == 0


def test_a_disk_that_is_full_at_the_report(asked, command, marked, done, tmp_path):
    before = (done / "reports" / "report.html").read_bytes()
    refused(run(limited([*command, "report", "--out", str(done)], 20), marked, tmp_path))
    assert (done / "reports" / "report.html").read_bytes() == before
    assert not list((done / "reports").glob(".*"))
