import os
import subprocess
import sys

import pytest
from running import run

from bench import files, leftovers, records
from bench.spec import Count, Model, identity

JOB = Count(Model(width=1 / 16))


@pytest.fixture(scope="module")
def gone():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def beside(out, **fields):
    """A record, and all that an unfinished job has."""
    records.write(out, records.new(JOB) | {"status": "finished", "started": 0, "ended": 1} | fields)
    rest = records.unfinished(out, JOB)
    for file in rest:
        file.touch()
    return rest


def test_what_a_killed_process_was_writing_is_removed_by_the_next_run(digits, tmp_path, gone):
    names = [f".report.html.{gone}.tmp", f".mlflow.db.{gone}.tmp-journal", f"cache/.digits.{gone}.tmp/pixels.npy"]
    kept = [f".report.html.{os.getpid()}.tmp", ".mine.tmp", f"mine.{gone}.tmp", "mlflow.db-journal"]
    for name in (*names, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(run([], digits, tmp_path, workers=1)) == []
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")) == sorted([*kept, "cache"])


def test_part_files_beside_a_finished_record_are_removed_by_the_next_run(digits, tmp_path):
    rest = beside(tmp_path)
    assert list(run([JOB], digits, tmp_path, workers=1)) == []
    assert not any(file.exists() for file in rest)
    assert records.read(tmp_path, JOB)


def test_a_job_that_failed_keeps_its_checkpoint(digits, tmp_path):
    rest = beside(tmp_path, status="died", reason="its worker died 4 times")
    assert list(run([JOB], digits, tmp_path, workers=1)) == []
    assert all(file.exists() for file in rest)


def test_a_job_that_is_to_be_run_keeps_its_checkpoint(tmp_path):
    beside(tmp_path)
    assert list(leftovers.found(tmp_path, {identity(JOB)})) == []


def test_a_job_that_a_worker_is_at_keeps_its_checkpoint(tmp_path):
    beside(tmp_path)
    hold = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"
    words = [sys.executable, "-c", hold, str(records.lock(tmp_path, JOB))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        assert list(leftovers.found(tmp_path)) == []
        process.communicate("\n")
    assert len(list(leftovers.found(tmp_path))) == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(27, "File too large")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match=r"File too large: '.*record\.json'"):
        files.write(tmp_path / "record.json", b"content")
    assert not list(tmp_path.iterdir())
