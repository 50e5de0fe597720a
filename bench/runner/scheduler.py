"""Runs jobs in parallel, in three stages: trials and counts, then probes of trials, then timings one by one."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from types import UnionType
from typing import Any, NamedTuple

from bench.records import cleanup, store
from bench.records.folder_guard import guard_folder
from bench.records.heartbeat import HeartbeatMonitor
from bench.runner import worker_failures
from bench.runner.backends import local
from bench.runner.task import RunOptions, Submit, Task, TaskList
from bench.spec.jobs import Count, Job, Probe, Timing, Trial, identity

POLL_S = 0.1
POSTPONE_S = 1.0  # wait before a job that another run works on is tried again


class Event(NamedTuple):
    """A change in the state of a job.

    Attributes:
        kind: 'started', 'point' (a trial was evaluated), 'elsewhere' (another run works on it), 'done' or 'failed'.
        job: The job.
        point: The measured point, if the kind is 'point'.
        record: The job's record, if the kind is 'done' or 'failed'.
    """

    kind: str
    job: Job
    point: dict[str, Any] | None = None
    record: dict[str, Any] | None = None


def run(jobs: Sequence[Job], options: RunOptions) -> Iterator[Event]:
    """Run jobs that have no usable record, as `find_missing_jobs` returns them.

    On a CPU a worker computes with one thread, except for a timing that requests more. Results therefore do not depend
    on the number of workers.

    Args:
        jobs: The jobs; a probe is skipped if a trial that it needs has no result.
        options: Options of the run.

    Yields:
        Events of the jobs.

    Raises:
        OSError: A result cannot be written to the disk.
        InputError: No worker can be started, or the output folder was moved or removed.
    """
    out = options.out
    for _, remove in cleanup.find_leftovers(out, {identity(job) for job in jobs}):
        remove()
    if not jobs:
        return
    store.folder(out).mkdir(exist_ok=True)
    tasks = TaskList(jobs, options)
    pool = nullcontext(options.submit) if options.submit else local.open_pool(min(options.workers, len(jobs)))
    with guard_folder(out) as check_folder, pool as submit:
        for kinds, workers in ((Trial | Count, options.workers), (Probe, options.workers), (Timing, 1)):
            yield from _Stage(tasks, kinds, submit, workers).run(check_folder)


class _Stage:
    """Tasks of some kinds of job, which may run at the same time."""

    def __init__(self, tasks: TaskList, kinds: type | UnionType, submit: Submit, workers: int) -> None:
        self.tasks, self.kinds, self.submit, self.workers = tasks, kinds, submit, workers
        self.deadline = tasks.options.deadline
        self.queue = deque(tasks.of_kinds(kinds, workers))
        self.postponed = deque[tuple[float, Task]]()  # with the Unix time of the next attempt
        self.running: dict[Future[str], Task] = {}
        self.monitors: dict[Job, HeartbeatMonitor] = {}
        self.deaths = Counter[Job]()

    def run(self, check_folder: Callable[[], None]) -> Iterator[Event]:
        yield from self._start_tasks()
        while self.running or (self.postponed and time.time() < self.deadline):
            if not self.running:
                time.sleep(POLL_S)
            ended_futures = wait(self.running, POLL_S, FIRST_COMPLETED).done
            check_folder()  # before they are judged: without their folder all jobs fail
            ended = self._collect_ended(ended_futures)
            end_events = [_end_event(*task) for task in ended]  # writes the records of jobs whose workers died
            self._follow_up(task.job for outcome, task, _ in ended if outcome != "elsewhere")
            watched_jobs = [task.job for task in (*(task for _, task, _ in ended), *self.running.values())]
            started = self._start_tasks()  # before events are yielded, so that a slow consumer never idles a worker
            for job in watched_jobs:
                yield from (Event("point", job, point=point) for point in self.monitors[job].new_points())
            yield from end_events
            yield from started
            for future, task in self.running.items():
                if isinstance(task.job, Trial) and self.monitors[task.job].is_hung():
                    future.cancel()

    def _start_tasks(self) -> list[Event]:
        while self.postponed and self.postponed[0][0] <= time.time():
            self.queue.append(self.postponed.popleft()[1])
        started = []
        while self.queue and len(self.running) < self.workers and time.time() < self.deadline:
            task = self.queue.popleft()
            self.monitors.setdefault(task.job, HeartbeatMonitor(store.part_file(task.out, task.job))).start_attempt()
            self.running[self.submit(task, worker_failures.MAX_JOB_S)] = task
            started.append(Event("started", task.job))
        return started

    def _follow_up(self, ended_jobs: Iterable[Job]) -> None:
        for job in ended_jobs:
            if (jobs := self.tasks.options.follow_up(job)) is not None:
                self.tasks.replace(jobs)
                busy_jobs = {task.job for task in (*self.running.values(), *(task for _, task in self.postponed))}
                tasks = self.tasks.of_kinds(self.kinds, self.workers)
                self.queue = deque(task for task in tasks if task.job not in busy_jobs)

    def _collect_ended(self, futures: Iterable[Future[str]]) -> list[tuple[str, Task, Future[str]]]:
        """Return outcome, task and future of each ended task, except those to retry because their worker died."""
        ended = []
        for future in futures:
            task, outcome = self.running.pop(future), worker_failures.classify_outcome(future)
            if outcome == "died":
                self.deaths[task.job] += 1
                if self.deaths[task.job] <= worker_failures.MAX_DEATHS:
                    self.queue.appendleft(task)
                    continue
                outcome = "failed"
            if outcome == "elsewhere":
                self.postponed.append((time.time() + POSTPONE_S, task))
            ended.append((outcome, task, future))
        return ended


def _end_event(outcome: str, task: Task, future: Future[str]) -> Event:
    if outcome == "elsewhere":
        return Event(outcome, task.job)
    record = worker_failures.failure_record(task, future) if outcome == "failed" else store.read(task.out, task.job)
    return Event(outcome, task.job, record=record)
