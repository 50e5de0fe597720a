"""A task: one job with everything that a worker needs to perform it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from bench.data.source import Source
from bench.spec.jobs import Job


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
    """

    job: Job
    source: Source
    out: Path
    keep_weights: bool = False
    previous_end: float | None = None


# Function of a backend that performs a task within a number of seconds; the future's result is that of `worker.perform`
Submit = Callable[[Task, float], Future[str]]
