"""What there is to train on, and how many workers it takes."""

from __future__ import annotations

import os

from bench.spec import BadInput

TRIALS_A_GPU = 4  # at once: one trial leaves it idle between kernels (not yet measured)
BYTES_A_TRIAL = 4 * 2**30  # of a GPU's memory


def choose(wanted: str) -> str:
    if wanted == "cpu":
        return wanted
    import torch  # only here in this process: it takes seconds

    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("there is no GPU that torch can use: take --device cpu, or install a torch for your GPU")
    return "cuda" if torch.cuda.is_available() else "cpu"


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(device: str) -> int:
    """One a core on a CPU; some a GPU, as far as there are cores to feed them and memory."""
    if device == "cpu":
        return cores()
    import torch

    count = torch.cuda.device_count()
    memory = min(torch.cuda.get_device_properties(number).total_memory for number in range(count))
    return count * max(1, min(TRIALS_A_GPU, cores() // count, memory // BYTES_A_TRIAL))
