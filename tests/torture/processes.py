"""Which processes a test has started, by a mark in their environment. Linux alone tells."""

import os
import time
from pathlib import Path


def processes(mark: str) -> list[int]:
    """Those that were started with this mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append(int(process.name))
        except OSError:  # it has ended, or is not ours
            continue
    return found


def parent(process: int) -> int:
    """Of a process; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def until_none_is_left(mark: str) -> None:
    end = time.monotonic() + 20
    while found := processes(mark):
        assert time.monotonic() < end, f"processes outlive the command: {found}"
        time.sleep(0.1)
