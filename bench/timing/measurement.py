"""Measurement of a timing job, with a check that the machine was quiet enough for a verdict."""

from typing import Any

import torch

from bench.spec.jobs import Timing
from bench.system import cpu_load, devices
from bench.timing.interleaving import interleave, why_unfit
from bench.timing.subjects import SUBJECTS


def measure(timing: Timing) -> dict[str, Any]:
    """Measure a timing; return the fields 'samples', 'fit' and 'why_unfit' of its record."""
    samples: list[dict[str, Any]] = []
    stolen: list[float] = []
    read_other_load = cpu_load.start_measuring()
    threads_before = torch.get_num_threads()
    torch.set_num_threads(thread_count(timing))
    try:
        for metric, tasks in SUBJECTS[timing.subject](timing):
            for arm, pair, call_ms, stolen_share in interleave(tasks, timing.rounds, timing.device):
                samples.append({"arm": arm, "pair": pair, "metric": metric, "value": call_ms})
                stolen.append(stolen_share)
    finally:
        torch.set_num_threads(threads_before)
    if thread_count(timing) > 1:  # a single thread leaves other cores to other processes
        stolen = [read_other_load()]
    reason = why_unfit(samples, stolen if timing.device == "cpu" else [0.0])
    return {"samples": samples, "fit": not reason, "why_unfit": reason}


def thread_count(timing: Timing) -> int:
    """Return the number of processor threads that a timing uses."""
    return timing.threads or devices.core_count()
