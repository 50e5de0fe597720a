"""Trials on several GPUs each: torchrun starts as many processes of the same command, and the first one leads."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread, Timer
from typing import Any, NoReturn

from bench.data.sampling import trained_on
from bench.data.source import Source
from bench.records import store
from bench.runner.backends.local import Schedule
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial

LEAVE = 5.0  # seconds that a job may take to end once its result is known
PATIENCE = timedelta(days=1)  # of a process that waits for another: one that died is noticed at once


def processes() -> int:
    """That torchrun started; 1 where it did not."""
    return int(os.environ.get("WORLD_SIZE", 1))


def leads() -> bool:
    return int(os.environ.get("RANK", 0)) == 0


def demand(todo: Iterable[Job], source: Source) -> None:
    """Raises InputError where a trial cannot be shared among the processes."""
    size = processes()
    if size == 1:
        return
    for trial in (job for job in todo if isinstance(job, Trial)):
        batch = min(trial.recipe.batch, trained_on(trial.recipe.share, trial.data.train))
        if batch % size:
            raise InputError(f"batches of {batch} images cannot be shared among {size} processes alike")
        if trial.model.normalisation == "batch":
            told = "name other studies, or run without torchrun"
            raise InputError(f"batch normalisation would see {size} parts of a batch instead of the whole: {told}")
    if size > min(source.validation, source.test):
        raise InputError(f"{size} processes are more than there are images to validate or test on")


@contextmanager
def led(device: str) -> Iterator[tuple[Schedule, int]]:
    """In the first process: a function that has a job performed by all; one at once."""
    ranks, busy = joined(device), list[Thread]()

    def idle() -> None:
        for thread in busy:
            thread.join(LEAVE)  # a job that was given up may never end, and the others wait in the midst of it
            if thread.is_alive():
                raise InputError("a trial hangs among the processes; its record says so: the same command goes on")
        busy.clear()

    def schedule(*job: Any, timeout: float) -> Future[str]:
        idle()
        future: Future[str] = Future()
        late = Timer(timeout, _end, (future.set_exception, TimeoutError()))
        late.daemon = True
        late.start()
        busy.append(Thread(target=_fulfil, args=(future, late, device, *job, ranks), daemon=True))
        busy[0].start()
        return future

    yield schedule, 1
    idle()
    ranks.told(None)  # the others may go; where this process ends otherwise, torchrun ends them


def follow(device: str, source: Source) -> int:
    """In every other process: take part in the trials that the first one tells of. The exit status."""
    from bench.runner import worker

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_DFL)  # Python's own handlers wait for torch, which waits for the others
    ranks = joined(device)
    _ready(device)
    while True:
        try:
            told = ranks.told(None)
        except RuntimeError:  # the first process is gone, and has said why
            return 1
        if told is None:
            return 0
        trial, saved = told
        if trial.data.digest != source.data.digest:
            raise InputError(f"this process has other images than the first one: {source.data.name}")
        worker.accompany(trial, saved, source, ranks)


def joined(device: str) -> Any:
    """This process among the others."""
    from torch import distributed

    from bench.system.process_group import ProcessGroup

    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    return ProcessGroup(distributed.get_rank(), distributed.get_world_size())


def _fulfil(future: Future[str], late: Timer, device: str, job: Job, source: Source, out: Path, *rest: Any) -> None:
    from bench.runner import worker

    try:
        _ready(device)
        status = worker.perform(job, source, out, *rest)
    except Exception as error:
        if rest[-1].lost(error):
            _leave(f"another process is gone ({' '.join(str(error).split())}): the same command goes on")
        _end(future.set_exception, error)
    else:
        if status in store.FAILURES and isinstance(job, Trial):
            reason = (store.read(out, job) or {}).get("reason", status)
            _leave(f"a trial failed ({reason}), whose record is kept: the same command goes on with the others")
        _end(future.set_result, status)
    late.cancel()


def _end(how: Callable[[Any], None], what: Any) -> None:
    """Unless it was given up."""
    with suppress(InvalidStateError):
        how(what)


def _leave(why: str) -> NoReturn:
    """End this process, and with it the others, which wait for it in the midst of a trial."""
    print(f"ablate: {why}", file=sys.stderr, flush=True)
    os._exit(1)


def _ready(device: str) -> None:
    """What holds for a thread: its number of threads, its GPU."""
    import torch

    torch.set_num_threads(1)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
