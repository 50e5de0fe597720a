"""Peak memory of a trial."""

import ctypes
from contextlib import suppress
from pathlib import Path

import torch


def reset_peak_memory(device: str) -> bool:
    """Reset the high-water mark, after returning to the system the memory that earlier trials freed.

    Returns:
        Whether it could be reset: on CUDA, and on Linux where the container allows it.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return True
    with suppress(OSError, AttributeError, TypeError):  # raised if the C library is not glibc
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory_mb(device: str) -> float:
    """Return the peak memory since the reset, in units of 10^6 bytes: the device's on CUDA, else the process's."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024 / 1e6
