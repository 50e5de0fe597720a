"""A running trial's state on disk: written atomically, and read without running code from the file."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bench.records import store
from bench.spec.jobs import Job
from bench.system import files

INTERVAL_S = float(os.environ.get("ABLATE_CHECKPOINT_SECONDS", 60))  # time between two checkpoints of a trial


def path(out: Path, job: Job) -> Path:
    """Return the path of a running job's checkpoint."""
    return store.path(out, job).with_suffix(".checkpoint")


def write(out: Path, job: Job, state: dict[str, Any]) -> None:
    """Replace the job's checkpoint by this state."""
    content = io.BytesIO()  # writing to a file, torch reports a full disk unclearly
    torch.save(state, content)
    files.write(path(out, job), content.getvalue())


def read(out: Path, job: Job) -> dict[str, Any] | None:
    """Return the job's state, or None if none can be read; a damaged file is removed."""
    try:
        files.check_kind(path(out, job))
        return torch.load(path(out, job), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (MemoryError, OSError):
        raise
    except Exception:  # torch raises errors of any class for a damaged file
        path(out, job).unlink(missing_ok=True)
        return None


def resume(out: Path, job: Job, environment: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the state to resume from, and the 'started' and 'environment' of the trial's record.

    The state is None if there is none, or where it is of another environment, in which a step may give other bits. A
    state of another commit is resumed, because equal identities mean equal numbers; the record names both commits.
    """
    state = read(out, job)
    origin = (state or {}).get("origin")
    if not origin or {**origin["environment"], "commit": ""} != {**environment, "commit": ""}:
        return None, {"started": time.time(), "environment": environment}
    commits = dict.fromkeys([*origin["environment"]["commit"].split(", "), environment["commit"]])
    return state, {**origin, "environment": {**environment, "commit": ", ".join(commits)}}


def interval_timer(interval_s: float = INTERVAL_S) -> Callable[[], bool]:
    """Make a function that returns True once in every interval."""
    last = time.monotonic()

    def due() -> bool:
        nonlocal last
        if time.monotonic() - last < interval_s:
            return False
        last = time.monotonic()
        return True

    return due
