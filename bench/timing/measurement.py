"""Measurement of a timing job in turns, after a warm-up, with a check that the machine was quiet enough."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from bench.spec.jobs import Timing
from bench.system import cpu_load, devices
from bench.timing.subjects import SUBJECTS, TimedCall

WARM_UP_ROUNDS = 3  # rounds that are run but not counted
MIN_SAMPLE_S = 2e-4  # shorter tasks are repeated within a sample
MAX_SPREAD, MAX_STOLEN = 0.10, 0.05  # shares above which a timing is unfit for verdicts


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


class Sample(NamedTuple):
    """One measurement; `stolen` is the share of its time in which the process did not have the processor."""

    arm: str
    round: int
    call_ms: float
    stolen: float


def interleave(tasks: Mapping[str, TimedCall], rounds: int, device: str) -> Iterator[Sample]:
    """Time each arm's task once per round (A B C, A B C, ...): a drift of the machine affects all arms equally."""
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None
    repeats = {arm: _repeats(task, synchronize) for arm, task in tasks.items()}
    for number in range(rounds):
        for arm, task in tasks.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            for _ in range(repeats[arm]):
                task()
            synchronize()
            elapsed_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
            yield Sample(arm, number, elapsed_s * 1e3 / repeats[arm], max(0.0, 1 - cpu_s / elapsed_s))


def _repeats(task: TimedCall, synchronize: Callable[[], None]) -> int:
    """Warm the task up; return the number of its calls per sample."""
    for _ in range(WARM_UP_ROUNDS):
        task()
    synchronize()
    start = time.perf_counter()
    task()
    synchronize()
    return max(1, round(MIN_SAMPLE_S / (time.perf_counter() - start)))


def why_unfit(samples: list[dict[str, Any]], stolen: list[float]) -> str:
    """Return why samples are unfit for verdicts; '' if they are fit.

    Args:
        samples: Recorded samples: arm, pair, metric and value.
        stolen: Share of each sample's time in which the process did not have the processor.

    Returns:
        The reason. A spread is the interquartile range over the median; the median spread counts, so that one slow
        round does not matter.
    """
    mean_stolen = float(np.mean(stolen))
    if mean_stolen > MAX_STOLEN:
        return f"the machine was busy: {100 * mean_stolen:.0f} % of the time went to other processes"
    by_arm: dict[tuple[str, str], list[float]] = {}
    for sample in samples:
        by_arm.setdefault((sample["metric"], sample["arm"]), []).append(sample["value"])
    spreads = [(np.percentile(v, 75) - np.percentile(v, 25)) / np.median(v) for v in by_arm.values()]
    typical = float(np.median(spreads))
    return f"the machine was unsteady: typical spread {100 * typical:.0f} %" if typical > MAX_SPREAD else ""
