"""A task: one job with everything that a worker needs to perform it. Tasks are made from jobs and a run's options."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import UnionType

from bench.data.source import Source
from bench.extensions.loading import find_codes
from bench.extensions.study_code import StudyCode
from bench.records import store, weights
from bench.spec.jobs import Job, Probe, Trial


@dataclass(frozen=True)
class Task:
    """A job with the images, options and output folder that its worker needs, on this machine or another one.

    Attributes:
        job: The job.
        source: Images of trials and probes.
        out: Output folder.
        keep_weights: Whether a trial's final weights are stored.
        previous_end: Unix time in seconds of the end of the job's record when the command read it; None without one. If
            another run has written a later record since, the job is not measured again.
        codes: The study files that declare the components of the job; its worker executes them first.
    """

    job: Job
    source: Source
    out: Path
    keep_weights: bool = False
    previous_end: float | None = None
    codes: tuple[StudyCode, ...] = ()


# Function of a backend that performs a task within a number of seconds; the future's result is that of `worker.perform`
Submit = Callable[[Task, float], Future[str]]


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    Attributes:
        source: Images of trials and probes.
        out: Output folder.
        workers: Number of jobs at the same time.
        keeps_weights: Function that returns whether a trial's final weights are stored.
        deadline: Unix time in seconds after which no job starts.
        expected_s: Function that returns the expected seconds of a job. The last few jobs start in descending order of
            it, so that no long job runs on alone.
        follow_up: Function called with each job that has ended; it returns the jobs to run from now on, in their order,
            if they have changed, else None.
        submit: Function of a backend that performs tasks; a pool of local processes if None.
    """

    source: Source
    out: Path
    workers: int
    keeps_weights: Callable[[Trial], bool] = lambda trial: False
    deadline: float = float("inf")
    expected_s: Callable[[Job], float] = lambda job: 0.0
    follow_up: Callable[[Job], Sequence[Job] | None] = lambda job: None
    submit: Submit | None = None


class TaskList:
    """The jobs of a run, which follow-ups change, and their tasks."""

    def __init__(self, jobs: Sequence[Job], options: RunOptions) -> None:
        self.options = options
        self.previous_ends: dict[Job, float | None] = {}
        self.replace(jobs)

    def replace(self, jobs: Sequence[Job]) -> None:
        """Take other jobs; note the end of records that they have before another run adds some."""
        self.jobs = jobs
        for job in jobs:
            if job not in self.previous_ends:
                self.previous_ends[job] = (store.read(self.options.out, job) or {}).get("ended")

    def of_kinds(self, kinds: type | UnionType, workers: int) -> list[Task]:
        """Return the tasks of these kinds of job, in their order; a probe needs the weights of all of its trials."""
        options = self.options
        jobs = [job for job in self.jobs if isinstance(job, kinds) and self._is_ready(job)]
        return [
            Task(job, options.source, options.out, self._keeps_weights(job), self.previous_ends[job], find_codes(job))
            for job in _order(jobs, options.expected_s, workers)
        ]

    def _keeps_weights(self, job: Job) -> bool:
        return isinstance(job, Trial) and self.options.keeps_weights(job)

    def _is_ready(self, job: Job) -> bool:
        trials = job.trials if isinstance(job, Probe) else ()
        return all(weights.can_be_probed(self.options.out, trial) for trial in trials)


def _order(jobs: Sequence[Job], expected_s: Callable[[Job], float], workers: int) -> list[Job]:
    """Keep the declared order, seed by seed, so that an interrupted run has complete pairs; sort the last few jobs."""
    tail = 2 * workers
    return [*jobs[:-tail], *sorted(jobs[-tail:], key=expected_s, reverse=True)]
