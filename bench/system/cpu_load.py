"""What other processes take of this machine's processors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

STAT = Path("/proc/stat")


def others() -> Callable[[], float]:
    """A function that tells which share of the processors others had since this was called; 0 where the system is not
    Linux, whose own books these are.
    """
    start = _busy(), time.process_time(), time.perf_counter()

    def share() -> float:
        busy, own, wall = _busy() - start[0], time.process_time() - start[1], time.perf_counter() - start[2]
        return max(0.0, (busy - own) / (wall * (os.cpu_count() or 1)))

    return share


def _busy() -> float:
    """Seconds that all processors together have worked, in any mode, or were taken by a host."""
    if not STAT.exists():
        return 0.0
    user, nice, system, _idle, _waiting, *interrupts = map(int, STAT.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
