"""Limits of the machine, and timing in processes like those of workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import numpy as np
import torch

from bench.runner.backends.local import worker_environment
from bench.system.devices import worker_count
from bench.timing.measurement import interleave
from bench.timing.subjects import TimedCall

SIDE = 2048  # side of a matrix; three such matrices are larger than any cache
BYTES = 2**28  # size of a copied array

barrier: Barrier  # set in each process of `run_together`


def run_together(measure: Callable[..., Any], *arguments: Any, processes: int | None = None) -> list[Any]:
    """Run a function in one process per core at the same time, each like a worker; return the results."""
    count, context = processes or worker_count("cpu"), get_context("spawn")
    with worker_environment(), ProcessPoolExecutor(count, context, _join, (context.Barrier(count),)) as pool:
        return [future.result() for future in [pool.submit(measure, *arguments) for _ in range(count)]]


def run_alone(measure: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a single process like a worker; return its result."""
    return run_together(measure, *arguments, processes=1)[0]


def _join(shared: Any) -> None:
    global barrier
    barrier = shared
    torch.set_num_threads(1)


def time_in_turns(tasks: Mapping[str, TimedCall], rounds: int) -> dict[str, np.ndarray]:
    """Time tasks in turns in this process; return the milliseconds of each task, shape (rounds,)."""
    times_ms: dict[str, list[float]] = {name: [] for name in tasks}
    for name, _, call_ms, _ in interleave(dict(tasks), rounds, "cpu"):
        times_ms[name].append(call_ms)
    return {name: np.array(task_ms) for name, task_ms in times_ms.items()}


def rate(task: TimedCall, work: float, times: int) -> float:
    """Work per second over a number of calls that all processes of `run_together` start at the same time."""
    barrier.wait()
    start = time.perf_counter()
    for _ in range(times):
        task()
    return work * times / (time.perf_counter() - start)


def product(precision: str = "float32") -> tuple[TimedCall, float]:
    """A matrix product, and its floating point operations."""
    a, b, c = (torch.randn(SIDE, SIDE).to(getattr(torch, precision)) for _ in range(3))
    return lambda: torch.mm(a, b, out=c), 2.0 * SIDE**3


def scale() -> tuple[TimedCall, float]:
    """A large array scaled in place, and the bytes that it reads and writes; a copy would also fetch its target."""
    array = torch.randn(BYTES // 4)
    return lambda: array.mul_(1.0), 2.0 * BYTES


def copy() -> tuple[TimedCall, float]:
    """A copy, and the bytes that it reads and writes."""
    source = torch.randn(BYTES // 4)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), 2.0 * BYTES
