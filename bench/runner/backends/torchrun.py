"""Backend for trials on several GPUs each: torchrun starts equal processes of the command, and the first one leads."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Thread, Timer
from typing import Any, NoReturn

from bench.data.source import Source
from bench.data.splits import share_count
from bench.records import store
from bench.runner.task import Submit, Task
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial
from bench.system.text import printable

JOB_END_TIMEOUT_S = 5.0  # longest wait for a job to end after its result is known
COLLECTIVE_TIMEOUT = timedelta(days=1)  # longest wait for another process; a dead one is noticed immediately


def process_count() -> int:
    """World size; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_leader() -> bool:
    """Whether this is the first process, or the only one."""
    return int(os.environ.get("RANK", 0)) == 0


def check_jobs(jobs: Iterable[Job], source: Source) -> None:
    """Raise InputError if a trial cannot be shared by the processes."""
    count = process_count()
    if count == 1:
        return
    from bench.models.network_check import find_facts

    for trial in (job for job in jobs if isinstance(job, Trial)):
        batch = min(trial.recipe.batch, share_count(trial.recipe.share, trial.data.train))
        if batch % count:
            raise InputError(f"batches of {batch} images cannot be divided equally among {count} processes")
        if find_facts(trial.model).has_batch_norm:
            advice = "name other studies, or run without torchrun"
            raise InputError(f"batch normalisation would see {count} parts of a batch instead of all of it: {advice}")
    if count > min(source.validation, source.test):
        raise InputError(f"{count} processes are more than the images for validation or testing: use fewer")


@contextmanager
def lead(device: str) -> Iterator[tuple[Submit, int]]:
    """Lead the group, as its first process: provide a function that performs one task at a time in all processes."""
    group, threads = join_group(device), list[Thread]()

    def wait_until_idle() -> None:
        for thread in threads:
            thread.join(JOB_END_TIMEOUT_S)  # a hung job may never end, and the other processes wait for it
            if thread.is_alive():
                raise InputError("a trial hangs and is recorded as failed. Run the same command again to continue")
        threads.clear()

    def submit(task: Task, timeout_s: float) -> Future[str]:
        wait_until_idle()
        future: Future[str] = Future()
        timer = Timer(timeout_s, _settle, (future.set_exception, TimeoutError()))
        timer.daemon = True
        timer.start()
        threads.append(Thread(target=_perform, args=(task, device, group, future, timer), daemon=True))
        threads[0].start()
        return future

    yield submit, 1
    wait_until_idle()
    group.broadcast(None)  # lets the other processes exit; if this process fails instead, torchrun ends them


def follow(device: str, source: Source) -> int:
    """Follow the group's first process: join the trials that it announces; return the exit status."""
    from bench.runner import trial as training

    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, signal.SIG_DFL)  # Python's handlers would wait for torch, which waits for other processes
    group = join_group(device)
    _prepare_thread(device)
    while True:
        try:
            announcement = group.broadcast(None)
        except RuntimeError:  # the first process is gone and has printed the reason
            return 1
        if announcement is None:
            return 0
        trial, saved = announcement
        if trial.data.digest != source.data.digest:
            raise InputError(f"this process and the first one have different images: {source.data.name}")
        training.join_trial(trial, saved, source, group)


def join_group(device: str) -> Any:
    """Connect this process to torchrun's other processes; return their `ProcessGroup`."""
    from torch import distributed

    from bench.system.process_group import ProcessGroup

    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
    return ProcessGroup(distributed.get_rank(), distributed.get_world_size())


def exit_process(status: int) -> NoReturn:
    """Exit without Python's clean-up, during which gloo's threads sometimes abort the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _perform(task: Task, device: str, group: Any, future: Future[str], timer: Timer) -> None:
    from bench.runner import worker

    try:
        _prepare_thread(device)
        status = worker.perform(task, group)
    except Exception as error:
        if group.is_lost_peer(error):
            _exit(f"another process died ({' '.join(str(error).split())}). Run the same command again to continue")
        _settle(future.set_exception, error)
    else:
        if status in store.FAILURES and isinstance(task.job, Trial):
            reason = (store.read(task.out, task.job) or {}).get("reason", status)
            _exit(f"a trial failed ({reason}); its record is kept. Run the same command again for the other jobs")
        _settle(future.set_result, status)
    timer.cancel()


def _settle(setter: Callable[[Any], None], value: Any) -> None:
    """Set the future's result or exception, unless it was cancelled or timed out."""
    with suppress(InvalidStateError):
        setter(value)


def _exit(reason: str) -> NoReturn:
    """Print the reason and exit; torchrun then ends the other processes, which wait in the middle of a trial."""
    print(f"ablate: {printable(reason)}", file=sys.stderr)
    exit_process(1)


def _prepare_thread(device: str) -> None:
    """Set what torch keeps per thread: the number of threads and the GPU."""
    import torch

    torch.set_num_threads(1)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
