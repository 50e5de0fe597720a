"""A folder whose run was killed is moved or copied: the next run in it loses, doubles and touches nothing."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from processes import processes, until_none_is_left
from runs import assert_same_results, command_line, run

from bench.tracking import mlflow_client, mlflow_database

PUBLISH_S = 0.4  # about the time that a run takes to publish a record


def kill_while_publishing(words: list[str], environment: dict[str, str], out: Path, wait_s: float) -> bool:
    """Run the command and kill it, and all that it started, this long after its next run in MLflow; whether it was."""
    before = count_runs(out)
    with subprocess.Popen(words, cwd=out.parent, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and count_runs(out) == before:
            time.sleep(0.01)
        time.sleep(wait_s)
        process.kill()
    until_none_is_left(environment["ABLATE_TORTURE"])
    return process.returncode != 0


def count_runs(out: Path) -> int:
    """Number of runs in MLflow's database; 0 without one. SQLite first undoes what a killed process left half done."""
    if not (out / "mlflow.db").exists():
        return 0
    with closing(sqlite3.connect(f"{(out / 'mlflow.db').as_uri()}?mode=rw", uri=True, timeout=30)) as database:
        return database.execute("SELECT COUNT(*) FROM runs").fetchone()[0]


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.md5(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("transfer", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_a_folder_whose_run_was_killed_goes_on_in_another_place(
    command, marked, undisturbed, short, tmp_path, transfer
):
    chance, out, copies = random.Random(0), tmp_path / "place 0 %20?", dict[Path, dict[str, str]]()
    for number in range(1, 3 if short else 12):
        words = command_line(command, tmp_path, short, out.name)
        if not kill_while_publishing(words, marked, out, chance.uniform(0, PUBLISH_S)):
            break
        assert not processes(marked["ABLATE_TORTURE"])
        target = tmp_path / f"place {number} %20?"
        transfer(out, target)
        if out.exists():
            copies[out] = contents(out)
        out = target
    process = run(command_line(command, tmp_path, short, out.name), marked, tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert number > 1, "the run was never killed"
    assert_same_results(out, undisturbed)
    assert copies == {copy: contents(copy) for copy in copies}
    assert {file.name for file in tmp_path.iterdir()} <= {
        "small.py",
        "__pycache__",
        out.name,
        *(c.name for c in copies),
    }
    assert_artifacts_are_whole(out)


def assert_artifacts_are_whole(out: Path) -> None:
    """Assert that every run's artifacts lie in the folder, and equal the records and weights."""
    address = mlflow_client.tracking_uri(out)
    assert not mlflow_database.find_moved_folder(address)
    client = mlflow_client.connect(address)
    for one_run in mlflow_client.find_runs(client, mlflow_client.experiment_ids(client)):
        folder = out / "artifacts" / one_run.info.run_id / "artifacts"
        assert one_run.info.artifact_uri == folder.as_uri()
        if one_run.data.tags.get("kind"):
            for file in (out / "trials").glob(f"{one_run.data.tags['identity']}.[js]*"):
                assert (folder / file.name).exists()
