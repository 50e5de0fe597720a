"""The processes that jobs run in: one thread each unless a timing asks for more, alive from job to job, and gone with
their parent."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pebble import ProcessPool

from bench.data.source import Source
from bench.spec.errors import InputError
from bench.spec.jobs import Job

Schedule = Callable[..., Future[str]]  # of a job, with what `work.perform` takes beside it, within so many seconds

STARTS = 10  # of a pool that breaks at once
ENVIRONMENT = {  # of the workers, read as they start
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    # glibc keeps the memory of a step for the next one, which the system would have to hand out, and clear, anew
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
}


@contextmanager
def environment() -> Iterator[None]:
    """The environment of processes that are started inside; what is started afterwards has the old one."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ |= ENVIRONMENT
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def pool(workers: int) -> Iterator[Schedule]:
    """A function that has a job performed within so many seconds, by so many workers.

    Pebble replaces a worker that dies at a job. Where one dies without a job, or the server that they fork from dies,
    it gives up: the next job opens another pool.
    """
    opened = _opened(workers)

    def schedule(*args: Any, timeout: float) -> Future[str]:
        nonlocal opened
        for _ in range(STARTS):
            try:
                return opened.schedule(perform, args=args, timeout=timeout)
            except RuntimeError:  # it is broken
                _close(opened)
                opened = _opened(workers)
        raise InputError("workers die as they start: see whether memory is left, and whether `import torch` works")

    with environment():
        try:
            yield schedule
        finally:
            _close(opened)


def _opened(workers: int) -> ProcessPool:
    if sys.platform == "linux":
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch", "torch._dynamo"])  # which the first optimiser's step imports
    else:
        context = multiprocessing.get_context("spawn")
    return ProcessPool(workers, context=context, initializer=_start, initargs=(context.Value("i", 0),))


def _close(opened: ProcessPool) -> None:
    opened.stop()
    opened.join()


def _start(devices: Any) -> None:
    from bench.runner import worker  # imports torch, which takes seconds: in the workers alone

    worker.start(devices)


def perform(job: Job, source: Source, out: Path, keep_weights: bool, seen: float | None) -> str:
    """In a worker: `work.perform`."""
    from bench.runner import worker

    return worker.perform(job, source, out, keep_weights, seen)
