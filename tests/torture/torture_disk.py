"""A full disk for every kind of file that a run writes, simulated by a limit on file sizes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from runs import assert_same_results, command_line, run

from bench.records import store


def limited(words: list[str], kib: int) -> list[str]:
    return ["bash", "-c", f'ulimit -f {kib}; exec "$@"', "bash", *words]


@pytest.fixture
def finished_out(undisturbed, tmp_path) -> Path:
    """The results of a finished run, without the record of a trial that has no weights to write first."""
    out = shutil.copytree(undisturbed, tmp_path / "out")
    min(file for file in store.folder(out).glob("*.json") if not store.weights_file(out, file.stem).exists()).unlink()
    return out


@pytest.fixture
def words(command, short, tmp_path) -> list[str]:
    return command_line(command, tmp_path, short)


def assert_refused(process: subprocess.CompletedProcess[str], file: str) -> None:
    """Assert that one line names the file that cannot be written, without a traceback."""
    output = process.stdout + process.stderr
    assert process.returncode in (1, 2), output
    assert "Traceback" not in output
    assert any(file in line and ("too large" in line or "disk" in line) for line in output.splitlines()), output


def results(out: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in store.folder(out).glob("*.json")}


def test_a_full_disk_loses_nothing_and_rerunning_the_command_continues(
    words, marked, undisturbed, finished_out, tmp_path
):
    before = results(finished_out)
    limit_kib = min(map(len, before.values())) // 1024 - 1  # room for a trial's points, not for its record
    for file, seconds in (".checkpoint", "0"), (".json", "1000"):
        assert_refused(run(limited(words, limit_kib), marked | {"ABLATE_CHECKPOINT_SECONDS": seconds}, tmp_path), file)
        assert results(finished_out) == before and store.read_all(finished_out)
    (finished_out / "mlflow.db").unlink()
    assert_refused(run(limited(words, 400), marked | {"ABLATE_CHECKPOINT_SECONDS": "1000"}, tmp_path), "MLflow")
    assert run(words, marked, tmp_path).returncode == 0
    assert_same_results(finished_out, undisturbed)


def test_a_full_disk_while_images_are_decoded_and_rerunning_the_command_continues(words, marked, undisturbed, tmp_path):
    for limit_kib in (0, 1, 1000):  # at the head of the pixels, within them, and near their end
        assert_refused(run(limited(words, limit_kib), marked, tmp_path), "digits")
        assert not list((tmp_path / "out").rglob("*.npy")) and not store.read_all(tmp_path / "out")
    assert run(words, marked, tmp_path).returncode == 0
    assert_same_results(tmp_path / "out", undisturbed)


def test_a_disk_that_is_full_at_the_report(command, marked, finished_out, tmp_path):
    before = {file: file.read_bytes() for file in (finished_out / "reports").iterdir()}
    assert_refused(run(limited([*command, "report", "--out", str(finished_out)], 20), marked, tmp_path), "report.html")
    assert {file: file.read_bytes() for file in (finished_out / "reports").iterdir()} == before
