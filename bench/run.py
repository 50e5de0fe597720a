"""Jobs in, records out: skips what has a record, runs the rest in parallel, survives what goes wrong in one."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any, NamedTuple

from pebble import ProcessPool

from bench import records
from bench.data import Source
from bench.spec import Count, Job, Probe, Timing, Trial

TICK = 0.1  # seconds between looks at the workers
ENVIRONMENT = {  # of the workers, read as they start
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    # glibc keeps the memory of a step for the next one, which the system would have to hand out, and clear, anew
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "-1",
}


class Event(NamedTuple):
    """What happened to a job. what: 'started', 'point' (with the point), 'done' (with its record), or 'failed' (with a
    reason; it has no record, so that the next run tries again)."""

    what: str
    job: Job
    point: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    reason: str = ""


def missing(jobs: Sequence[Job], out: Path) -> list[Job]:
    """The jobs to run, each once, in the order in which they run: timings last, alone on the machine.

    Those without a record; timings that were unfit to judge by; and finished trials whose weights a probe without a
    record needs, where they were not kept: trained again, they give the same record.
    """
    unique = dict.fromkeys(jobs)
    lacking = {job for job in unique if not _settled(job, out)}
    asked = {trial for job in lacking if isinstance(job, Probe) for trial in job.trials}
    lacking |= {trial for trial in asked if _weightless(trial, out)}
    kinds = {Trial: 0, Count: 0, Probe: 1, Timing: 2}
    return sorted((job for job in unique if job in lacking), key=lambda job: kinds[type(job)])


def kept(jobs: Sequence[Job], todo: Sequence[Job]) -> set[Trial]:
    """The trials among `todo` whose weights stay: seed 0 of each arm, and what a probe among all `jobs` asks about."""
    probed = {trial for job in jobs if isinstance(job, Probe) for trial in job.trials}
    return {job for job in todo if isinstance(job, Trial) and (job.seed == 0 or job in probed)}


def _settled(job: Job, out: Path) -> bool:
    if not isinstance(job, Timing):
        return records.path(out, job).exists()
    record = records.read(out, job)
    return record is not None and record["fit"]


def _weightless(trial: Trial, out: Path) -> bool:
    record = records.read(out, trial)
    return record is not None and record["status"] == "finished" and not records.weights(out, trial).exists()


def run(
    jobs: Sequence[Job],
    source: Source,
    out: Path,
    workers: int,
    deadline: float = float("inf"),
    seconds: Callable[[Job], float] = lambda job: 0.0,
) -> Iterator[Event]:
    """Run what is missing and tell what happens; no job starts after the deadline (seconds since the epoch).

    seconds: how long a job is thought to take; the longest start first, so that none is left alone at the end.
    One thread a worker on a CPU, whatever their number: results do not depend on it.
    """
    todo = missing(jobs, out)
    if not todo:
        return
    records.folder(out).mkdir(parents=True, exist_ok=True)
    keep = kept(jobs, todo)
    pool = _pool(workers)

    def submit(job: Job) -> Future[str]:
        records.part(out, job).unlink(missing_ok=True)  # of a run that was killed
        return pool.schedule(_perform, args=(job, source, out, job in keep))

    def stage(jobs: list[Job], workers: int = workers) -> Iterator[Event]:
        return _stage(sorted(jobs, key=seconds, reverse=True), submit, workers, deadline, out)

    try:
        yield from stage([job for job in todo if isinstance(job, Trial | Count)])
        probes = [job for job in todo if isinstance(job, Probe)]
        yield from stage([job for job in probes if all(records.path(out, trial).exists() for trial in job.trials)])
        yield from stage([job for job in todo if isinstance(job, Timing)], workers=1)
    finally:
        pool.stop()
        pool.join()


def _stage(
    jobs: Iterable[Job], submit: Callable[[Job], Future[str]], workers: int, deadline: float, out: Path
) -> Iterator[Event]:
    """So many at a time. A free worker is handed its next job before anyone hears of the last one: whoever listens may
    take his time."""
    queue = deque(jobs)
    running: dict[Future[str], Job] = {}
    read: dict[Job, int] = {}

    def fill() -> list[Event]:
        started = []
        while queue and len(running) < workers and time.time() < deadline:
            job = queue.popleft()
            running[submit(job)] = job
            started.append(Event("started", job))
        return started

    yield from fill()
    while running:
        ended, _ = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
        done = {future: running.pop(future) for future in ended}
        started = fill()
        for job in (*done.values(), *running.values()):
            yield from _points(job, out, read)
        yield from (_ended(future, job, out) for future, job in done.items())
        yield from started


def _pool(workers: int) -> ProcessPool:
    os.environ |= ENVIRONMENT
    if "forkserver" in multiprocessing.get_all_start_methods() and sys.platform == "linux":
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch", "torch._dynamo"])  # which the first optimiser's step imports
    else:
        context = multiprocessing.get_context("spawn")
    return ProcessPool(workers, context=context, initializer=_start, initargs=(context.Value("i", 0),))


def _start(devices: Any) -> None:
    from bench import work  # imports torch, which takes seconds: in the workers alone

    work.start(devices)


def _perform(job: Job, source: Source, out: Path, keep_weights: bool) -> str:
    from bench import work

    return work.perform(job, source, out, keep_weights)


def _points(job: Job, out: Path, read: dict[Job, int]) -> Iterator[Event]:
    """The points that a running trial has appended since the last look."""
    try:
        lines = records.part(out, job).read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return
    whole = [line for line in lines if line.endswith("\n")]
    for line in whole[read.get(job, 0) :]:
        yield Event("point", job, point=json.loads(line))
    read[job] = len(whole)


def _ended(future: Future, job: Job, out: Path) -> Event:
    error = future.exception()
    if error is None:
        return Event("done", job, record=records.read(out, job))
    text = " ".join(str(error).split()) or type(error).__name__
    return Event("failed", job, reason=f"{type(error).__name__}: {text}"[:300])
