"""Estimated cost of a run: seconds learnt from finished jobs, or from a rule of thumb, and disk space."""

import heapq
from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bench.data.splits import share_count
from bench.records import store
from bench.runner.rule_of_thumb import Key, kind_of_network, network_keys, rule_of_thumb
from bench.spec.jobs import Job, Timing, Trial, describe, job_device, job_kind
from bench.training.evaluation_schedule import evaluated_images

EVALUATION_SPEEDUP = 4.0  # training time of an image over its evaluation time
UNIT_S = {"cpu": {"probe": 2.0, "count": 0.1}, "cuda": {"probe": 0.2, "count": 0.1}}  # per network examined, per count
ACTIVITY_S = 0.05  # per network, of the only probe that computes a single forward pass
ELEMENT_S = {"cpu": 1.5e-9, "cuda": 2e-11}  # of an activation's kernel, forward and backward
WARM_UPS = 4  # calls of a timing that are not counted
EARLY_END = 0.25  # expected share of the epochs of a trial that ends at a training error
START_S, REPORT_S = 8.0, 2.5  # start-up before the first jobs; a study's chapter in the report
PUBLISH_S = 0.05  # per record; one process publishes all of them
MIN_IMAGES_PER_SECOND = 1e-6  # a slower speed is not a measurement
WEIGHT_MB = 4e-6  # of a stored parameter

NONE_RUNNING: Mapping[Job, float] = MappingProxyType({})


class DurationModel:
    """Predicts the seconds of a job and learns from every finished record.

    A trial's time is split into that of its steps, which its record contains, and the remainder, which counts as
    evaluation. Trials with other epochs, or another share of the images, are predicted from these two parts: those of
    the same model and augmentation, else those of the same layout, width and kernel.

    Args:
        validation: Number of validation images.
        test: Number of test images.
    """

    def __init__(self, validation: int, test: int) -> None:
        self.validation, self.test = validation, test
        self.trials: dict[Key, tuple[list[float], list[float]]] = {}  # sorted seconds per image: trained on, evaluated
        self.units = defaultdict[Key, list[float]](list)  # sorted seconds per round of a timing, network of a probe

    def learn(self, record: dict[str, Any]) -> None:
        """Learn from a record, unless several processes shared its job."""
        if record["status"] != "finished" or record["environment"].get("processes", 1) > 1:
            return
        job, duration_s = record["job"], record["ended"] - record["started"]
        if record["kind"] != "trial":
            subject, networks = job.get("subject") or job.get("question"), job.get("trials") or [{}]
            key = record["kind"], subject, job.get("device") or networks[0].get("device", "cpu")
            insort(self.units[key], duration_s / (job.get("rounds") or len(networks)))
            return
        speed = store.final_metrics(record).get("speed/images_per_second", 0.0)
        if speed <= MIN_IMAGES_PER_SECOND:
            return
        data, recipe = record["data"], job["recipe"]
        images = share_count(recipe["share"], data["train"])
        epochs, sizes = record["points"][-1]["epoch"], (images, data["validation"], data["test"])
        evaluated_count = evaluated_images(epochs, *sizes, recipe.get("until_error", 0.0))
        evaluation_s = max(0.0, duration_s - epochs * images / speed) / max(1, evaluated_count)
        for key in network_keys(job, record.get("network")):
            training, evaluation = self.trials.get(key, ([], []))
            insort(training, 1 / speed)
            insort(evaluation, evaluation_s)
            self.trials[key] = training, evaluation  # assigned last: the display's thread reads it

    def predict_s(self, job: Job) -> float:
        """Predicted seconds of a job; a trial that may end at an error should take `EARLY_END` of its epochs."""
        if not isinstance(job, Trial):
            device, kind = job_device(job), job_kind(job)
            subject = getattr(job, "subject", None) or getattr(job, "question", None)
            if samples := self.units.get((kind, subject, device)):
                return _median(samples) * (getattr(job, "rounds", 0) or len(getattr(job, "trials", "?")))
            if isinstance(job, Timing):
                return (job.rounds + WARM_UPS) * self._round_s(job)
            unit_s = ACTIVITY_S if subject == "activity" else UNIT_S[device][kind]
            return unit_s * len(getattr(job, "trials", "?"))
        images = share_count(job.recipe.share, job.data.train)
        sizes = images, self.validation, self.test
        epochs = max(1, round(job.recipe.epochs * (EARLY_END if job.recipe.until_error else 1)))
        evaluated_count = evaluated_images(epochs, *sizes, job.recipe.until_error)
        training_s, evaluation_s = self._seconds_per_image(job)
        return epochs * images * training_s + evaluated_count * evaluation_s

    def _seconds_per_image(self, trial: Trial) -> tuple[float, float]:
        """Seconds per image trained on and per image evaluated; medians, since an interrupted trial may take a day."""
        keys = network_keys(describe(trial))
        for key in keys:
            if key in self.trials:
                training, evaluation = self.trials[key]
                return _median(training), _median(evaluation)
        training_s = self._guess(keys[-1])
        return training_s, training_s / EVALUATION_SPEEDUP

    def _round_s(self, timing: Timing) -> float:
        """Seconds of a round of a timing: of kernels by elements, else by images that a network trains on or passes."""
        if timing.subject == "activations":
            return len(timing.arms) * sum(timing.sizes) * ELEMENT_S[timing.device]
        place = timing.device, timing.precision
        keys = [(*kind_of_network(model), *place) for _, model in timing.arms]
        image_s = sum(_median(self.trials[key][0]) if key in self.trials else self._guess(key) for key in keys)
        return sum(timing.sizes) * image_s / (EVALUATION_SPEEDUP if timing.subject == "layers" else 1.0)

    def _guess(self, key: Key) -> float:
        """Seconds per image trained on, by the rule of thumb and the trials done on this machine."""
        *_, device, precision = key
        return rule_of_thumb(key) * self._machine_factor(device, precision)

    def _machine_factor(self, device: str, precision: str) -> float:
        """Median ratio of measured time to the rule of thumb over the networks that were measured."""
        networks = [(key, training) for key, (training, _) in [*self.trials.items()] if key[3:] == (device, precision)]
        factors = sorted(_median(training) / rule_of_thumb(key) for key, training in networks)
        return _median(factors) if factors else 1.0

    def is_guess(self, jobs: Iterable[Job]) -> bool:
        """Whether the jobs include trials on a device that no finished trial has measured."""
        measured_devices = {key[-2] for key in self.trials}
        return any(isinstance(job, Trial) and job.device not in measured_devices for job in jobs)

    def remaining_s(self, jobs: Iterable[Job], workers: int, elapsed_s: Mapping[Job, float] = NONE_RUNNING) -> float:
        """Wall-clock seconds of the jobs: each goes to the next free worker, timings run alone at the end.

        The publishing of all records, by a single process, is the lower limit.

        Args:
            jobs: The jobs, in the order in which they start.
            workers: Number of jobs at the same time.
            elapsed_s: Seconds since the start of each job that runs already.
        """
        jobs = sorted(jobs, key=lambda job: job not in elapsed_s)
        left_s = [max(0.0, self.predict_s(job) - elapsed_s.get(job, 0.0)) for job in jobs]
        busy_s, timings_s = [0.0] * workers, 0.0
        for job, seconds in zip(jobs, left_s, strict=True):
            if isinstance(job, Timing):
                timings_s += seconds
            else:
                heapq.heapreplace(busy_s, busy_s[0] + seconds)
        return max(max(busy_s) + timings_s, PUBLISH_S * len(jobs))


def disk_mb(jobs: Sequence[Job], kept_trials: Collection[Trial]) -> float:
    """Megabytes that jobs will add: a record each, and the weights of some trials."""
    return 0.03 * len(jobs) + sum(_weights_mb(trial) for trial in kept_trials)


def _weights_mb(trial: Trial) -> float:
    from bench.models.complexity import count_network  # imports torch, which takes seconds

    return WEIGHT_MB * count_network(trial.model)["parameters"]


def _median(ascending: Sequence[float]) -> float:
    return ascending[len(ascending) // 2]
