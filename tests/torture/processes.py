"""Processes that a test has started, found by a mark in their environment; Linux only."""

import os
import time
from pathlib import Path


def processes(mark: str) -> list[int]:
    """Ids of the processes that were started with this mark in their environment."""
    ids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                ids.append(int(process.name))
        except OSError:  # it has ended, or is not ours
            continue
    return ids


def parent(process: int) -> int:
    """Id of a process's parent; 0 if the process has ended."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def until_none_is_left(mark: str) -> None:
    end = time.monotonic() + 20
    while ids := processes(mark):
        assert time.monotonic() < end, f"processes outlive the command: {ids}"
        time.sleep(0.1)
