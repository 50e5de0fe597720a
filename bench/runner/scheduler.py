"""Jobs in, records out: runs them in parallel, survives what goes wrong in one."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from bench.data.source import Source
from bench.records import cleanup, store
from bench.records.progress import SILENCE, Watch
from bench.runner.backends.local import Schedule, pool
from bench.spec.jobs import Count, Job, Probe, Timing, Trial, identity
from bench.system import files

TICK = 0.1  # seconds between looks at the workers
LATER = 1.0  # seconds until a job that another run works at is looked at again
LIMIT = 24 * 3600.0  # seconds that a job may take
DEATHS = 3  # of its workers that a job is forgiven: the next one goes on from its checkpoint


class Event(NamedTuple):
    """What happened to a job. what: 'started', 'point' (with the point), 'elsewhere' (another run works at it), 'done'
    or 'failed' (with the record)."""

    what: str
    job: Job
    point: dict[str, Any] | None = None
    record: dict[str, Any] | None = None


def run(
    todo: Sequence[Job],
    keep: Collection[Trial],
    source: Source,
    out: Path,
    workers: int,
    deadline: float = float("inf"),
    seconds: Callable[[Job], float] = lambda job: 0.0,
    schedule: Schedule | None = None,
) -> Iterator[Event]:
    """Run the jobs and tell what happens; no job starts after the deadline (seconds since the epoch).

    todo: what `missing` gives. keep: the trials among them whose weights stay.
    seconds: how long a job is thought to take: of the last few the longest start first, so that none runs on alone.
    schedule: has a job performed, as `pool` gives it, which is opened where there is none.
    One thread a worker on a CPU, but for a timing that asks for more: results do not depend on the number of workers.
    Raises OSError where a result cannot be written.
    """
    for _, remove in cleanup.found(out, {identity(job) for job in todo}):
        remove()
    if not todo:
        return
    store.folder(out).mkdir(parents=True, exist_ok=True)
    known = {job: (store.read(out, job) or {}).get("ended") for job in todo}  # before another run adds to them
    with nullcontext(schedule) if schedule else pool(workers) as performed:

        def submit(job: Job) -> Future[str]:
            return performed(job, source, out, job in keep, known[job], timeout=LIMIT)

        def stage(jobs: list[Job], workers: int = workers) -> Iterator[Event]:
            return _stage(_ordered(jobs, seconds, workers), submit, workers, deadline, out)

        yield from stage([job for job in todo if isinstance(job, Trial | Count)])
        probes = [job for job in todo if isinstance(job, Probe)]
        yield from stage([job for job in probes if all(_done(trial, out) for trial in job.trials)])
        yield from stage([job for job in todo if isinstance(job, Timing)], workers=1)


def _done(trial: Trial, out: Path) -> bool:
    return store.path(out, trial).exists() and store.askable(out, trial)


def _ordered(jobs: list[Job], seconds: Callable[[Job], float], workers: int) -> list[Job]:
    """As declared, seed by seed, so that a run that is cut short has whole pairs; the last few longest first."""
    tail = 2 * workers
    return [*jobs[:-tail], *sorted(jobs[-tail:], key=seconds, reverse=True)]


def _stage(
    jobs: Iterable[Job], submit: Callable[[Job], Future[str]], workers: int, deadline: float, out: Path
) -> Iterator[Event]:
    """So many at a time. A free worker is handed its next job before anyone hears of the last one: whoever listens may
    take his time."""
    queue, aside = deque(jobs), deque[tuple[float, Job]]()
    running: dict[Future[str], Job] = {}
    watched: dict[Job, Watch] = {}
    deaths: Counter[Job] = Counter()

    def fill() -> list[Event]:
        while aside and aside[0][0] <= time.time():
            queue.append(aside.popleft()[1])
        started = []
        while queue and len(running) < workers and time.time() < deadline:
            job = queue.popleft()
            watched.setdefault(job, Watch(store.part(out, job))).begin()
            running[submit(job)] = job
            started.append(Event("started", job))
        return started

    yield from fill()
    while running or (aside and time.time() < deadline):
        ended = wait(running, TICK, FIRST_COMPLETED).done
        if not running:
            time.sleep(TICK)
        ends = []
        for future in ended:
            job = running.pop(future)
            what = _what(future, job, deaths)
            if what == "elsewhere":
                aside.append((time.time() + LATER, job))
            if what == "again":
                queue.appendleft(job)
            else:
                ends.append((what, job, future))
        told = [*(job for _, job, _ in ends), *running.values()]
        started = fill()
        for job in told:
            yield from (Event("point", job, point=point) for point in watched[job].points())
        yield from (_end(what, job, future, out) for what, job, future in ends)
        yield from started
        for future, job in running.items():
            if isinstance(job, Trial) and watched[job].hung():
                future.cancel()


def _what(future: Future[str], job: Job, deaths: Counter[Job]) -> str:
    """'done', 'failed', 'elsewhere', or 'again' where a worker died."""
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or isinstance(error, TimeoutError):
        return "failed"
    if error is not None and files.disk_fault(error):
        raise error
    if error is not None:
        deaths[job] += 1
        return "again" if deaths[job] <= DEATHS else "failed"
    status = future.result()
    return status if status == "elsewhere" else "failed" if status in store.FAILURES else "done"


def _end(what: str, job: Job, future: Future[str], out: Path) -> Event:
    """The end of a job, with its record; where the worker could not write one, the parent does."""
    if what == "elsewhere":
        return Event(what, job)
    record = store.read(out, job)
    if what == "failed" and (record is None or not store.failed(record)):
        status, reason = _reason(future)
        record = store.new(job) | store.failure(status, reason)
        store.write(out, record)
    return Event(what, job, record=record)


def _reason(future: Future[str]) -> tuple[str, str]:
    try:
        future.result()
    except CancelledError:
        return "hung", f"its worker gave no sign of life for {SILENCE / 60:.0f} minutes"
    except TimeoutError:
        return "timed out", f"it took more than {LIMIT / 3600:.0f} hours"
    except Exception as error:
        return "died", f"its worker died {DEATHS + 1} times ({' '.join(str(error).split())})"
    raise AssertionError("a job that ended well has its record")
