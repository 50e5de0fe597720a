"""What there is to train on, and how many workers it takes."""

from __future__ import annotations

import os
from pathlib import Path

from bench.spec import BadInput

TRIALS_A_GPU = 4  # at once, which take turns (how many are best is not yet measured)
TRIALS_BESIDE = 8  # at once where NVIDIA's service lets their kernels run beside each other: more brought nothing
BYTES_A_TRIAL = 4 * 2**30  # of a GPU's memory


def choose(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    import torch  # only here in this process: it takes seconds

    return "cuda" if torch.cuda.is_available() else "cpu"


def demand(device: str) -> None:
    """Raises BadInput where nothing can run on the device. What others ran there can be planned and judged anywhere."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise BadInput("there is no GPU that torch can use: take --device cpu, or install a torch for your GPU")


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(device: str) -> int:
    """One a core on a CPU; some a GPU, as far as there are cores to feed them and memory.

    Without a GPU, as many as one takes: a plan for another machine.
    """
    if device == "cpu":
        return cores()
    import torch

    count = torch.cuda.device_count()
    if not count:
        return TRIALS_A_GPU
    memory = min(torch.cuda.get_device_properties(number).total_memory for number in range(count))
    trials = TRIALS_BESIDE if _served() else TRIALS_A_GPU
    return count * max(1, min(trials, cores() // count, memory // BYTES_A_TRIAL))


def _served() -> bool:
    """Whether NVIDIA's Multi-Process Service runs: its control daemon keeps a pipe of that name."""
    return Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"), "control").exists()
