"""Local backend: a pool of worker processes that stay alive between jobs and exit with their parent."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from pebble import ProcessPool

from bench.runner.task import Submit, Task
from bench.spec.errors import InputError
from bench.spec.jobs import Job, job_device
from bench.system import devices, fork_server

FILES, FILES_PER_WORKER = 24, 3  # open at the same time; measured: 16 and 2
THREADS, THREADS_PER_WORKER = 8, 2  # processes and threads; measured: 7 and 2
MIN_STACK_BYTES = 2**16
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


def check_room(workers: int) -> None:
    """Raise InputError unless the system lets this process open the files and start the processes of a pool.

    They are tried out, because limits are those of a process, a user, a container and a machine. At its limit, pebble
    would print tracebacks or wait for ever.
    """
    files, threads = FILES + FILES_PER_WORKER * workers, THREADS + THREADS_PER_WORKER * workers
    release, stack_bytes = threading.Event(), threading.stack_size(MIN_STACK_BYTES)
    try:
        with ExitStack() as stack:
            for _ in range(files):
                stack.enter_context(open(os.devnull))
            pool = stack.enter_context(ThreadPoolExecutor(threads))  # a thread counts as a process
            stack.callback(release.set)
            for _ in range(threads):
                pool.submit(release.wait)
    except (OSError, RuntimeError) as error:
        needs = f"{workers} workers need {files} open files (`ulimit -n`) and {threads} processes (`ulimit -u`)"
        advice = "raise the limits of the user or container, or name fewer workers with --workers"
        raise InputError(f"{needs} besides those in use, and the system refused ({error}): {advice}") from error
    finally:
        threading.stack_size(stack_bytes)


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
