"""What a run will cost, from what earlier runs took, or from a rule of thumb where there are none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bench.spec import Job, Model, Probe, Timing, Trial

# Images a second of one core at full width, evaluations included, as measured or worked out from what was: only until a
# trial of the same layout and width is done.
IMAGES_PER_SECOND = {
    "document": 200.0,
    "zhang": 370.0,
    "caffenet-128": 50.0,
    "torchvision": 17.0,
    "ungrouped": 10.0,
    "two-group": 16.0,
}
A_GPU = 150.0  # times as many for one of eight trials on an H100, at any width: narrow networks do not fill it
ROUND_SECONDS, PROBE_SECONDS = 1.5, 20.0  # of a timing's round; of a probe
WEIGHTS_MB = 8.0  # of a kept trial, at quarter width


class Pace:
    """Seconds a job takes; learns from each record that it is shown."""

    def __init__(self, known: Iterable[dict[str, Any]] = ()) -> None:
        self.seen: dict[tuple[Any, ...], tuple[float, float]] = {}
        for record in known:
            self.learn(record)

    def learn(self, record: dict[str, Any]) -> None:
        if record["kind"] == "trial" and record["status"] == "finished":
            job = record["job"]
            key = _key(job["model"], job["device"])
            visits, seconds = self.seen.get(key, (0.0, 0.0))
            done = job["recipe"]["epochs"] * job["recipe"]["share"] * record["data"]["train"]
            self.seen[key] = (visits + done, seconds + record["ended"] - record["started"])

    def seconds(self, job: Job) -> float:
        if isinstance(job, Timing):
            return ROUND_SECONDS * job.rounds
        if isinstance(job, Probe):
            return PROBE_SECONDS
        if not isinstance(job, Trial):
            return 0.1
        faster = A_GPU if job.device == "cuda" else 1 / job.model.width**2
        thought = IMAGES_PER_SECOND[job.model.layout] * faster, 1.0
        visits, seconds = self.seen.get(_key(vars(job.model), job.device), thought)
        return job.recipe.epochs * job.recipe.share * job.data.train * seconds / visits

    def left(self, jobs: Sequence[Job], workers: int) -> float:
        """Wall seconds for the jobs: timings run alone, all others on every worker."""
        alone = sum(self.seconds(job) for job in jobs if isinstance(job, Timing))
        return alone + sum(self.seconds(job) for job in jobs if not isinstance(job, Timing)) / workers


def disk_mb(todo: Sequence[Job], keep: Collection[Trial]) -> float:
    """What jobs will add: a record each, and the weights of some."""
    return 0.03 * len(todo) + sum(WEIGHTS_MB * (trial.model.width / 0.25) ** 2 for trial in keep)


def _key(model: dict[str, Any] | Model, device: str) -> tuple[Any, ...]:
    levels = model if isinstance(model, dict) else vars(model)
    return levels["layout"], levels["width"], levels["kernel"], device
