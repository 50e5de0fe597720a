"""Processors and GPUs of this machine: their precision, and the number of jobs that they run in parallel."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TRIALS_PER_GPU = 4  # trials take turns on a GPU; the best number is not yet measured
TRIALS_PER_SHARED_GPU = 8  # with NVIDIA's Multi-Process Service; more trials gained nothing
BYTES_PER_TRIAL = 4 * 2**30  # GPU memory
CGROUPS, PROCESS_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
QUOTA_FILES = "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"  # the first is of version 2, the others of version 1
PROCESSOR = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # of processors that multiply in bfloat16
BFLOAT16_VARIABLE = "ABLATE_BFLOAT16"  # environment variable; 0 stands for a processor without such units
WORKERS_VARIABLE = "ABLATE_WORKERS"  # environment variable that tells a worker how many there are


def choose_device(device: str) -> str:
    """Return 'cpu' or 'cuda', resolving 'auto' to a GPU if there is one."""
    if device != "auto":
        return device
    import torch  # takes seconds

    return "cuda" if torch.cuda.is_available() else "cpu"


def choose_precision(precision: str, device: str) -> str:
    """Return 'float32' or 'bfloat16', resolving 'auto' to bfloat16 where the device has units for it."""
    if precision != "auto":
        return precision
    return "bfloat16" if device == "cuda" or _processor_has_bfloat16() else "float32"


def _processor_has_bfloat16() -> bool:
    is_allowed = os.environ.get(BFLOAT16_VARIABLE, "1") != "0"
    return is_allowed and not BFLOAT16_FLAGS.isdisjoint(_read(PROCESSOR).split())


def core_count() -> int:
    """Return the number of cores that this process may use: its affinity, and whole cores of a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, _quota_cores())))


def _quota_cores() -> float:
    """Return the smallest quota of the cgroups around this process; joblib.cpu_count() reads the outermost alone."""
    quotas = [float("inf")]
    for line in _read(PROCESS_CGROUPS).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):  # version 2 names none
            folder = CGROUPS / ("cpu" if controllers else "") / group.lstrip("/")
            quotas += map(_quota, (folder, *folder.parents))
    return min(quotas)


def _quota(cgroup: Path) -> float:
    quota, *period = " ".join(_read(cgroup / name) for name in QUOTA_FILES).split() or [""]
    return int(quota) / int(period[0]) if quota.isdecimal() else float("inf")


def _read(file: Path) -> str:
    with suppress(OSError):
        return file.read_text()
    return ""


def worker_count(device: str) -> int:
    """Return the number of jobs that this machine runs in parallel.

    On a CPU one per core; on GPUs as many as memory holds and cores can feed. Without a GPU, a plan for 'cuda' is
    given the number of one shared GPU.
    """
    if device == "cpu":
        return core_count()
    import torch

    gpus = torch.cuda.device_count()
    if not gpus:
        return concurrent_jobs(device, 1)
    memory = min(torch.cuda.get_device_properties(number).total_memory for number in range(gpus))
    trials = TRIALS_PER_SHARED_GPU if _has_multi_process_service() else TRIALS_PER_GPU
    return gpus * max(1, min(trials, core_count() // gpus, memory // BYTES_PER_TRIAL))


def concurrent_jobs(device: str, count: int) -> int:
    """Return the number of jobs that another machine's cores, or its shared GPUs, run in parallel."""
    return count * (TRIALS_PER_SHARED_GPU if device == "cuda" else 1)


def _has_multi_process_service() -> bool:
    """Whether this user's NVIDIA Multi-Process Service runs: its control daemon keeps a pipe."""
    pipes = os.environ.get("CUDA_MPS_PIPE_DIRECTORY") or "/tmp/nvidia-mps"
    return os.access(os.path.join(pipes, "control"), os.W_OK)
