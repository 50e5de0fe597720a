"""Load that other processes put on this machine's processors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

STAT_FILE = Path("/proc/stat")


def start_measuring() -> Callable[[], float]:
    """Start to measure the load of other processes.

    Returns:
        A function that returns the share of all processors, 0..1, that others have used since the start; 0 without
        Linux's /proc/stat.
    """
    start_busy_s, start_own_s, start_wall_s = _busy_s(), time.process_time(), time.perf_counter()

    def share() -> float:
        others_s = _busy_s() - start_busy_s - (time.process_time() - start_own_s)
        return max(0.0, others_s / ((time.perf_counter() - start_wall_s) * (os.cpu_count() or 1)))

    return share


def _busy_s() -> float:
    """Seconds that all processors together have worked, in any mode, or were taken by a host."""
    if not STAT_FILE.exists():
        return 0.0
    first_line = STAT_FILE.read_text().split("\n", 1)[0]
    user, nice, system, _idle, _waiting, *interrupts = map(int, first_line.split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
