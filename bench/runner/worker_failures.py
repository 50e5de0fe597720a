"""Detection of workers that died, hung or ran out of time, and the records of their failed jobs."""

from concurrent.futures import CancelledError, Future
from typing import Any

from bench.records import store
from bench.records.heartbeat import HUNG_AFTER_S
from bench.runner.task import Task
from bench.spec.errors import InputError
from bench.system import files

MAX_JOB_S = 24 * 3600.0
MAX_DEATHS = 3  # number of a job's workers that may die; the next one resumes from the checkpoint


def classify_outcome(future: Future[str]) -> str:
    """Return how a task ended: 'done', 'failed', 'elsewhere' (another run works on it) or 'died' (its worker).

    Raises:
        OSError: The result cannot be written to the disk.
        InputError: The decoded images were removed.
    """
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or isinstance(error, TimeoutError):
        return "failed"
    if error is not None and files.disk_fault(error):
        raise error
    if isinstance(error, FileNotFoundError):
        raise InputError(f"{error.filename} was removed during the run: run the same command again to continue")
    if error is not None:
        return "died"
    status = future.result()
    return status if status == "elsewhere" else "failed" if status in store.FAILURES else "done"


def failure_record(task: Task, future: Future[str]) -> dict[str, Any]:
    """Return the record of a failed job, written here if its worker could not write one."""
    record = store.read(task.out, task.job)
    if record is None or not store.is_failure(record):
        record = store.new_record(task.job) | store.failure_fields(*_status_and_reason(future))
        store.write(task.out, record)
    return record


def _status_and_reason(future: Future[str]) -> tuple[str, str]:
    try:
        future.result()
    except CancelledError:
        return "hung", f"its worker gave no sign of life for {HUNG_AFTER_S / 60:.0f} minutes"
    except TimeoutError:
        return "timed out", f"it took more than {MAX_JOB_S / 3600:.0f} hours"
    except Exception as error:
        return "died", f"its worker died {MAX_DEATHS + 1} times ({' '.join(str(error).split())})"
    raise AssertionError("a job that ended well has its record")
