"""A task: one job with everything that a worker needs to perform it."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from bench.data.source import Source
from bench.spec.jobs import Job


@dataclass(frozen=True)
class Task:
    """What a worker is handed, in this process or on another machine.

    Attributes:
        job: What is measured.
        source: Images of trials and probes.
        out: Output folder.
        keep_weights: Whether a trial's final weights are stored.
        previous_end: When the job's record that the command has seen ended, in seconds of Unix time; None without one.
            A later record by another run is not measured again.
    """

    job: Job
    source: Source
    out: Path
    keep_weights: bool = False
    previous_end: float | None = None


# A backend's function: performs a task within a number of seconds; the future's result is that of `worker.perform`
Submit = Callable[[Task, float], Future[str]]
