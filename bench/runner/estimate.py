"""What a run will cost, from what earlier jobs took, or from a rule of thumb where there were none."""

from __future__ import annotations

import heapq
from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bench.data.sampling import trained_on
from bench.records import store
from bench.spec.config import ModelConfig
from bench.spec.jobs import Job, Timing, Trial, job_device, job_kind
from bench.training.evaluation_schedule import evaluated_images

# Images a second that are trained on, as measured: of one core at full width; of one of eight trials on an H100 at any
# width, since narrow networks do not fill it, where those of photographs are a guess. Only until a trial of the same
# layout, width and kernel is done; those of others say how this machine compares.
IMAGES_PER_SECOND = {
    "cpu": {
        "document": 215.0,
        "zhang": 420.0,
        "caffenet-128": 50.0,
        "torchvision": 17.0,
        "ungrouped": 10.0,
        "two-group": 16.0,
    },
    "cuda": {
        "document": 87_000.0,
        "zhang": 52_000.0,
        "caffenet-128": 7_500.0,
        "torchvision": 2_500.0,
        "ungrouped": 1_500.0,
        "two-group": 2_400.0,
    },
}
KERNEL = {
    "5x5": 1.0,
    "pair": 1.65,
    "pair-linear": 1.6,
    "pair-matched": 1.3,
}  # times as long, of Zhang's network on a CPU
NARROW = 1e-4  # seconds an image on a core, however narrow the network
FORWARD = 4.0  # times as many that are only looked at
OTHERS = {  # seconds of a timing's round, of a network that a probe asks, of a count
    "cpu": {"timing": 1.5, "probe": 2.0, "count": 0.1},
    "cuda": {"timing": 0.02, "probe": 0.2, "count": 0.1},
}
START_SECONDS, REPORT_SECONDS = 8.0, 2.5  # until the first jobs run; of a study's chapter, drawn at the end
PUBLISH_SECONDS = 0.05  # of a record, in the one process that hears of all
LEAST = 1e-6  # images a second: slower ones are no measurement
WEIGHTS_MB = 8.0  # of a kept trial, at quarter width

Key = tuple[Any, ...]


class Pace:
    """Seconds a job takes; learns from each record that it is shown.

    validation, test: images that a trial is evaluated on. A trial's seconds are those of its steps, as its record has
    them, and all the others, which are laid to its evaluations: so a trial of other epochs, or of another share of the
    images, is told from it.
    """

    def __init__(self, validation: int, test: int, known: Iterable[dict[str, Any]] = ()) -> None:
        self.validation, self.test = validation, test
        self.trials: dict[Key, tuple[list[float], list[float]]] = {}  # seconds an image of training, of looking; sorted
        self.others = defaultdict[Key, list[float]](list)  # seconds of a timing's round, of a network asked; sorted
        for record in known:
            self.learn(record)

    def learn(self, record: dict[str, Any]) -> None:
        """What several processes shared tells nothing of one."""
        if record["status"] != "finished" or record["environment"].get("processes", 1) > 1:
            return
        job, took = record["job"], record["ended"] - record["started"]
        if record["kind"] != "trial":
            what, networks = job.get("subject") or job.get("question"), job.get("trials") or [{}]
            key = record["kind"], what, job.get("device") or networks[0].get("device", "cpu")
            insort(self.others[key], took / (job.get("rounds") or len(networks)))
            return
        speed = store.finals(record).get("speed/images_per_second", 0.0)
        if speed <= LEAST:
            return
        data, recipe = record["data"], job["recipe"]
        key, images = _key(job["model"], job["device"]), trained_on(recipe["share"], data["train"])
        trained = recipe["epochs"] * images
        looked = evaluated_images(recipe["epochs"], images, data["validation"], data["test"])
        training, looking = self.trials.get(key, ([], []))
        insort(training, 1 / speed)
        insort(looking, max(0.0, took - trained / speed) / max(1, looked))
        self.trials[key] = training, looking  # last: another thread looks here

    def seconds(self, job: Job) -> float:
        if not isinstance(job, Trial):
            what = getattr(job, "subject", None) or getattr(job, "question", None)
            each = self.others.get((job_kind(job), what, job_device(job))) or [OTHERS[job_device(job)][job_kind(job)]]
            return _middle(each) * (getattr(job, "rounds", 0) or len(getattr(job, "trials", "?")))
        images = trained_on(job.recipe.share, job.data.train)
        looked = evaluated_images(job.recipe.epochs, images, self.validation, self.test)
        train, look = self._each(job)
        return job.recipe.epochs * images * train + looked * look

    def _each(self, trial: Trial) -> tuple[float, float]:
        """Seconds an image of training and of looking: medians, since a trial that was cut off and went on the next day
        took a day."""
        key = _key(vars(trial.model), trial.device)
        if key in self.trials:
            training, looking = self.trials[key]
            return _middle(training), _middle(looking)
        each = _rule(key) * self._slower(trial.device)
        return each, each / FORWARD

    def _slower(self, device: str) -> float:
        """Times as long as the rule of thumb says, by the networks that were measured: their median."""
        seen = [_middle(each) / _rule(key) for key, (each, _) in [*self.trials.items()] if key[-1] == device]
        return _middle(sorted(seen)) if seen else 1.0

    def guesses(self, jobs: Iterable[Job]) -> bool:
        """Whether there are trials among the jobs, and none that is done on such a device tells how long they take."""
        done = {key[-1] for key in self.trials}
        return any(isinstance(job, Trial) and job.device not in done for job in jobs)

    def left(self, jobs: Sequence[Job], workers: int) -> float:
        """Wall seconds for the jobs: in their order, each to the next free worker; then timings, which run alone; or
        for as long as one process takes to publish them all."""
        free = [0.0] * workers
        for job in jobs:
            if not isinstance(job, Timing):
                heapq.heapreplace(free, free[0] + self.seconds(job))
        alone = sum(self.seconds(job) for job in jobs if isinstance(job, Timing))
        return max(max(free) + alone, PUBLISH_SECONDS * len(jobs))


def around(studies: int) -> float:
    """Seconds of a run beside its jobs."""
    return START_SECONDS + REPORT_SECONDS * studies


def disk_mb(todo: Sequence[Job], keep: Collection[Trial]) -> float:
    """What jobs will add: a record each, and the weights of some."""
    return 0.03 * len(todo) + sum(WEIGHTS_MB * (trial.model.width / 0.25) ** 2 for trial in keep)


def _rule(key: Key) -> float:
    """Seconds an image that is trained on, by the rule of thumb."""
    layout, width, kernel, device = key
    each = KERNEL[kernel] / IMAGES_PER_SECOND[device][layout]
    return each if device == "cuda" else max(NARROW, each * width**2)


def _middle(ascending: Sequence[float]) -> float:
    return ascending[len(ascending) // 2]


def _key(model: dict[str, Any] | ModelConfig, device: str) -> Key:
    levels = model if isinstance(model, dict) else vars(model)
    return levels["layout"], levels["width"], levels["kernel"], device
