"""Local backend: a pool of worker processes that stay alive between jobs and exit with their parent."""

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from pebble import ProcessPool

from bench.runner.task import Submit, Task
from bench.spec.errors import InputError
from bench.spec.jobs import Job, job_device
from bench.system import devices, fork_server

MAX_RESTARTS = 10  # consecutive restarts of a pool that breaks immediately
WORKER_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    # glibc keeps a step's memory for the next step; otherwise the system allocates and clears it every time
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
}


def check_jobs(jobs: Iterable[Job]) -> None:
    """Raise InputError if a job needs a GPU and this machine has none."""
    if any(job_device(job) == "cuda" for job in jobs):
        import torch

        if not torch.cuda.is_available():
            raise InputError("there is no GPU that torch can use: take --device cpu, or install a torch for your GPU")


@contextmanager
def worker_environment(**variables: str) -> Iterator[None]:
    """Set the environment variables for processes started inside the context, and restore them afterwards."""
    variables |= WORKER_ENVIRONMENT
    before = {name: os.environ[name] for name in variables if name in os.environ}
    os.environ |= variables
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ |= before


@contextmanager
def open_pool(workers: int) -> Iterator[Submit]:
    """Provide a function that performs tasks in this number of processes.

    Pebble replaces a worker that dies during a job. If a worker dies between jobs, or the fork server dies, the pool
    breaks, and the next task opens another one.
    """
    with worker_environment(**{devices.WORKERS_VARIABLE: str(workers)}):
        pool = _make_pool(workers)

        def submit(task: Task, timeout_s: float) -> Future[str]:
            nonlocal pool
            for _ in range(MAX_RESTARTS):
                try:
                    return pool.schedule(_perform, args=[task], timeout=timeout_s)
                except RuntimeError:  # the pool is broken
                    _close(pool)
                    pool = _make_pool(workers)
            advice = "check the free memory, the limits that `ulimit -a` lists, and whether `import torch` works"
            raise InputError(f"workers die as they start: {advice}")

        try:
            yield submit
        finally:
            _close(pool)


def _make_pool(workers: int) -> ProcessPool:
    try:
        if sys.platform == "linux":
            context = fork_server.start(["torch", "torch._dynamo"])  # the first optimiser step imports the latter
        else:
            context = multiprocessing.get_context("spawn")
        gpu_counter = context.Value("i", 0)
    except OSError as error:
        needs = "they need a temporary folder (TMPDIR) and a /dev/shm in which files can be made"
        raise InputError(f"worker processes cannot be started ({error}): {needs}") from error
    return ProcessPool(workers, context=context, initializer=_initialize, initargs=(gpu_counter,))


def _close(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _initialize(gpu_counter: Any) -> None:
    from bench.runner import worker  # imported in workers only: it imports torch, which takes seconds

    worker.initialize_process(gpu_counter)


def _perform(task: Task) -> str:
    from bench.runner import worker

    return worker.perform(task)
