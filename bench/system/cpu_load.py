"""CPU load caused by other processes on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

STAT_FILE = Path("/proc/stat")

QUIET_SHARE, QUIET_S = 0.05, 1.0  # largest share of processor time that others use on a quiet machine; seconds to watch


def is_quiet() -> bool:
    """Watch this machine for a second; return whether other processes leave it alone."""
    read_other_load = start_measuring()
    time.sleep(QUIET_S)
    return read_other_load() < QUIET_SHARE


def start_measuring() -> Callable[[], float]:
    """Start measuring the CPU load of other processes.

    Returns:
        A function that returns the share of all processor time, 0..1, used by other processes since the start; 0
        without Linux's /proc/stat.
    """
    start_busy_s, start_process_s, start_wall_s = _busy_s(), time.process_time(), time.perf_counter()

    def share() -> float:
        others_s = _busy_s() - start_busy_s - (time.process_time() - start_process_s)
        return max(0.0, others_s / ((time.perf_counter() - start_wall_s) * (os.cpu_count() or 1)))

    return share


def _busy_s() -> float:
    """Return the busy seconds of all processors together, including time that a host took from a virtual machine."""
    if not STAT_FILE.exists():
        return 0.0
    first_line = STAT_FILE.read_text().split("\n", 1)[0]
    user, nice, system, _idle, _iowait, *interrupts = map(int, first_line.split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
