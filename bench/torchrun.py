"""Trials on several GPUs each: torchrun starts as many processes of the same command, and the first one leads."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from bench.data import Source
from bench.pool import Schedule
from bench.spec import BadInput, Job, Trial

PATIENCE = timedelta(days=1)  # of a process that waits for another: one that died is noticed at once


def processes() -> int:
    """That torchrun started; 1 where it did not."""
    return int(os.environ.get("WORLD_SIZE", 1))


def leads() -> bool:
    return int(os.environ.get("RANK", 0)) == 0


def demand(todo: Iterable[Job], source: Source) -> None:
    """Raises BadInput where a trial cannot be shared among the processes."""
    size = processes()
    if size == 1:
        return
    for trial in (job for job in todo if isinstance(job, Trial)):
        batch = min(trial.recipe.batch, round(trial.recipe.share * trial.data.train))
        if batch % size:
            raise BadInput(f"batches of {batch} images cannot be shared among {size} processes alike")
        if trial.model.normalisation == "batch":
            told = "name other studies, or run without torchrun"
            raise BadInput(f"batch normalisation would see {size} parts of a batch instead of the whole: {told}")
    if size > min(source.validation, source.test):
        raise BadInput(f"{size} processes are more than there are images to validate or test on")


@contextmanager
def led(device: str) -> Iterator[tuple[Schedule, int]]:
    """In the first process: a function that has a job performed by all; one at once."""
    ranks = joined(device)

    def schedule(*job: Any, timeout: float) -> Future[str]:
        future: Future[str] = Future()
        Thread(target=_fulfil, args=(future, device, *job, ranks), daemon=True).start()
        return future

    yield schedule, 1
    ranks.told(None)  # the others may go; where this process ends otherwise, torchrun ends them


def follow(device: str, source: Source) -> int:
    """In every other process: take part in the trials that the first one tells of. The exit status."""
    from bench import work

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
        work.accompany(trial, saved, source, ranks)


def joined(device: str) -> Any:
    """This process among the others."""
    from torch import distributed

    from bench.ranks import Ranks

    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    return Ranks(distributed.get_rank(), distributed.get_world_size())


def _fulfil(future: Future[str], device: str, job: Job, source: Source, out: Path, *rest: Any) -> None:
    from bench import work

    try:
        _ready(device)
        future.set_result(work.perform(job, source, out, *rest))
    except BaseException as error:
        future.set_exception(error)


def _ready(device: str) -> None:
    """What holds for a thread: its number of threads, its GPU."""
    import torch

    torch.set_num_threads(1)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
