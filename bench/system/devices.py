"""What there is to train on, and how many workers it takes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from bench.spec.errors import InputError
from bench.spec.jobs import Job, job_device

TRIALS_A_GPU = 4  # at once, which take turns (how many are best is not yet measured)
TRIALS_SHARING = 8  # at once where NVIDIA's service lets their kernels run beside each other: more brought nothing
BYTES_A_TRIAL = 4 * 2**30  # of a GPU's memory


def choose(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    import torch  # only here in this process: it takes seconds

    return "cuda" if torch.cuda.is_available() else "cpu"


def demand(todo: Iterable[Job]) -> None:
    """Raises InputError where a job needs a GPU and there is none. What others ran there can be judged anywhere."""
    if any(job_device(job) == "cuda" for job in todo):
        import torch

        if not torch.cuda.is_available():
            raise InputError("there is no GPU that torch can use: take --device cpu, or install a torch for your GPU")


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(kind: str) -> int:
    """One a core on a CPU; some a GPU, as far as there are cores to feed them and memory. On a machine without a GPU,
    what another one's takes: a plan may be for that.
    """
    if kind == "cpu":
        return cores()
    import torch

    count = torch.cuda.device_count()
    if not count:
        return at_once(kind, 1)
    memory = min(torch.cuda.get_device_properties(number).total_memory for number in range(count))
    trials = TRIALS_SHARING if _shared() else TRIALS_A_GPU
    return count * max(1, min(trials, cores() // count, memory // BYTES_A_TRIAL))


def at_once(kind: str, count: int) -> int:
    """How many jobs run on so many processors, or on so many GPUs that are shared, somewhere else."""
    return count * (TRIALS_SHARING if kind == "cuda" else 1)


def _shared() -> bool:
    """Whether this user's NVIDIA Multi-Process Service is there: its control daemon keeps a pipe of that name."""
    pipes = os.environ.get("CUDA_MPS_PIPE_DIRECTORY") or "/tmp/nvidia-mps"
    return os.access(os.path.join(pipes, "control"), os.W_OK)
