"""A timing job measured, and whether the machine was quiet enough to judge by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bench.spec.jobs import Timing
from bench.system import cpu_load, devices
from bench.timing.interleaving import interleave, why_unfit
from bench.timing.subjects import SUBJECTS


def measure(timing: Timing) -> dict[str, Any]:
    """Measure a timing: its samples as a record holds them, 'fit', and 'why_unfit'."""
    samples: list[dict[str, Any]] = []
    stolen: list[float] = []
    taken_by_others = cpu_load.start_measuring()
    with _torch_threads(thread_count(timing)):
        for metric, tasks in SUBJECTS[timing.subject](timing):
            for arm, pair, call_ms, stolen_share in interleave(tasks, timing.rounds, timing.device):
                samples.append({"arm": arm, "pair": pair, "metric": metric, "value": call_ms})
                stolen.append(stolen_share)
    if thread_count(timing) > 1:  # beside a single thread, other processes have cores of their own
        stolen = [taken_by_others()]
    reason = why_unfit(samples, stolen if timing.device == "cpu" else [0.0])
    return {"samples": samples, "fit": not reason, "why_unfit": reason}


def thread_count(timing: Timing) -> int:
    """Return how many of the processor's threads a timing uses."""
    return timing.threads or devices.core_count()


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
