"""What there is to train on."""

from __future__ import annotations

import os

from bench.spec import BadInput


def choose(wanted: str) -> str:
    if wanted == "cpu":
        return wanted
    import torch  # only here in this process: it takes seconds

    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("there is no GPU that torch can use: take --device cpu, or install a torch for your GPU")
    return "cuda" if torch.cuda.is_available() else "cpu"


def workers(device: str) -> int:
    """One a core on a CPU, one a GPU."""
    if device == "cpu":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    import torch

    return torch.cuda.device_count()
