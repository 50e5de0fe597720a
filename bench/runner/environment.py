"""Environment field of a record: versions, commit and processor of the measuring process."""

import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from bench.system.git import commit


@lru_cache
def describe_environment(device: str, threads: int | None = None, processes: int = 1) -> dict[str, Any]:
    """Return a record's environment.

    Args:
        device: Kind of device that measures, 'cpu' or 'cuda'.
        threads: Number of threads that compute; this process's setting if None.
        processes: Number of processes that share the trial.
    """
    shared = {"processes": processes} if processes > 1 else {}
    return shared | {
        "commit": commit(),
        "torch": str(torch.__version__),  # plain text: a checkpoint accepts nothing else
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else _processor_name(),
        "threads": threads or torch.get_num_threads(),
    }


def _processor_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
