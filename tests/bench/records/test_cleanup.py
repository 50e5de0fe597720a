import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import half_written, run

from bench.records import cleanup, store
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count, identity
from bench.system import files

JOB = Count(ModelConfig(width=1 / 16))


@pytest.fixture(scope="module")
def dead_process():
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def touch(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def write_record_and_leftovers(out, **fields):
    """A record, and all that an unfinished job has."""
    store.write(out, store.new_record(JOB) | {"status": "finished", "started": 0, "ended": 1} | fields)
    leftovers = store.unfinished_files(out, JOB)
    for file in leftovers:
        file.touch()
    return leftovers


def test_temporary_files_of_a_killed_process_are_removed_by_the_next_run(digits, tmp_path, dead_process):
    journal = half_written(tmp_path / "mlflow.db", dead_process)
    for file in (
        half_written(tmp_path / "results.zip", dead_process),
        journal.with_name(f"{journal.name}-journal"),
        half_written(store.path(tmp_path, JOB), dead_process),
        half_written(tmp_path / "cache" / "digits", dead_process) / "pixels.npy",
        half_written(tmp_path / "reports" / "report.html", dead_process),
    ):
        touch(file)
    assert list(run([], digits, tmp_path, workers=1)) == []
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")) == ["cache", "reports", "trials"]


def test_files_that_may_belong_to_others_stay(digits, tmp_path, dead_process):
    own_name = half_written(tmp_path / "report.html", dead_process).name
    elsewhere = own_name.replace(files._process_namespace(), "01234567")  # as on another machine
    foreign_files = [
        half_written(tmp_path / "report.html", os.getpid()),
        half_written(tmp_path / "project" / "deep" / "data", dead_process),
        half_written(tmp_path / "cache" / "digits" / "data", dead_process),
        *(
            tmp_path / name
            for name in (elsewhere, f".data.{dead_process}.tmp", ".mine.tmp", own_name[1:], "mlflow.db-journal")
        ),
    ]
    for file in foreign_files:
        touch(file)
    assert list(run([], digits, tmp_path, workers=1)) == []
    assert all(file.exists() for file in foreign_files)


def test_two_that_write_one_file_do_not_write_into_one_another(tmp_path):
    assert files.temporary_path(tmp_path / "record.json") != files.temporary_path(tmp_path / "record.json")


def test_a_process_of_another_container_does_not_count_as_dead():
    words, root = (
        [sys.executable, "-c", "from bench.system import files; print(files._process_namespace())"],
        Path(__file__).parents[3],
    )
    try:
        process = subprocess.run(["unshare", "--pid", "--fork", *words], cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("only Linux has containers of processes")
    if process.returncode:
        pytest.skip("no process can be put apart here")
    assert (
        process.stdout.strip()
        != files._process_namespace()
        == subprocess.check_output(words, cwd=root, text=True).strip()
    )


def test_part_files_beside_a_finished_record_are_removed_by_the_next_run(digits, tmp_path):
    leftovers = write_record_and_leftovers(tmp_path)
    assert list(run([JOB], digits, tmp_path, workers=1)) == []
    assert not any(file.exists() for file in leftovers)
    assert store.read(tmp_path, JOB)


def test_a_job_that_failed_keeps_its_checkpoint(digits, tmp_path):
    leftovers = write_record_and_leftovers(tmp_path, status="died", reason="its worker died 4 times")
    assert list(run([JOB], digits, tmp_path, workers=1)) == []
    assert all(file.exists() for file in leftovers)


def test_a_job_that_is_to_be_run_keeps_its_checkpoint(tmp_path):
    write_record_and_leftovers(tmp_path)
    assert list(cleanup.find_leftovers(tmp_path, {identity(JOB)})) == []


def test_a_job_that_a_worker_is_at_keeps_its_checkpoint(tmp_path):
    leftovers = write_record_and_leftovers(tmp_path)
    ((_, remove),) = cleanup.find_leftovers(tmp_path)  # before the worker begins
    hold = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"
    words = [sys.executable, "-c", hold, str(store.lock_file(tmp_path, JOB))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        assert list(cleanup.find_leftovers(tmp_path)) == []
        remove()
        assert all(file.exists() for file in leftovers)
        process.communicate("\n")
    assert len(list(cleanup.find_leftovers(tmp_path))) == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(27, "File too large")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match=r"File too large: '.*record\.json'"):
        files.write(tmp_path / "record.json", b"content")
    assert not list(tmp_path.iterdir())
