"""The machine's own limits, and how things are timed against them: in processes such as workers are."""

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
from bench.timing.interleaving import TimedCall, interleave

SIDE = 2048  # of the matrices: three of them are larger than any cache
BYTES = 2**28  # of the copy

barrier: Barrier  # in each of the processes that work together


def together(measure: Callable[..., Any], *arguments: Any, processes: int | None = None) -> list[Any]:
    """What `measure` returns in a process a core, all at once, each with a worker's environment and one thread."""
    count, context = processes or worker_count("cpu"), get_context("spawn")
    with worker_environment(), ProcessPoolExecutor(count, context, _join, (context.Barrier(count),)) as pool:
        return [future.result() for future in [pool.submit(measure, *arguments) for _ in range(count)]]


def alone(measure: Callable[..., Any], *arguments: Any) -> Any:
    """The same in a single process."""
    return together(measure, *arguments, processes=1)[0]


def _join(shared: Any) -> None:
    global barrier
    barrier = shared
    torch.set_num_threads(1)


def paired(tasks: Mapping[str, TimedCall], rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of each task, a round each, interleaved in this process."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for name, _, milliseconds, _ in interleave(dict(tasks), rounds, "cpu"):
        times[name].append(milliseconds)
    return {name: np.array(found) for name, found in times.items()}


def rate(task: TimedCall, work: float, times: int) -> float:
    """Work a second of so many calls, begun together with the other processes."""
    barrier.wait()
    start = time.perf_counter()
    for _ in range(times):
        task()
    return work * times / (time.perf_counter() - start)


def product() -> tuple[TimedCall, float]:
    """A float32 matrix product, and its floating point operations."""
    a, b, c = (torch.randn(SIDE, SIDE) for _ in range(3))
    return lambda: torch.mm(a, b, out=c), 2.0 * SIDE**3


def scale() -> tuple[TimedCall, float]:
    """A large array scaled in place, and the bytes that it reads and writes: nothing is fetched to be overwritten."""
    array = torch.randn(BYTES // 4)
    return lambda: array.mul_(1.0), 2.0 * BYTES


def copy() -> tuple[TimedCall, float]:
    """A copy, and the bytes that it reads and writes."""
    source = torch.randn(BYTES // 4)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), 2.0 * BYTES
