"""Fabricated records of any number of trials, as large as real ones, for timing a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ablations import Claim, Contrast, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.profiles import Profile
from ablations.framework.study import SHUFFLED, all_arms
from ablations.framework.waves import PlacedJob
from bench.records import store
from bench.spec.config import DataConfig

ARMS: dict[str, dict[str, Any]] = {
    "relu": {},
    "tanh": {"activation": "tanh"},
    "sigmoid": {"activation": "sigmoid"},
    "no dropout": {"dropout": 0.0},
    "lrn": {"normalisation": "lrn"},
    "batch": {"normalisation": "batch"},
    "mirror": {"augmentation": "mirror"},
    "shallow": {"without": ("conv4",)},
}
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "mean")
MEASURED = [f"sparsity/{metric}/{layer}" for layer in LAYERS for metric in ("zeros", "hoyer", "treves_rolls", "dead")]
TIME = "speed/steps_to_train_error_25"
EPOCHS, EVERY, STEPS = 22, 2, 500
DATA = DataConfig("0123456789abcdef", classes=10, train=45_000, chance=0.1, name="made-up images")
SOURCE = {"name": DATA.name, "digest": DATA.digest, "classes": [f"class {n}" for n in range(DATA.classes)]}
SOURCE |= {"train": DATA.train, "validation": 5_000, "test": 10_000, "shared_images": 0, "note": ""}
ENVIRONMENT = {"commit": "1a2b3c4", "torch": "2.14.0", "python": "3.11.9", "platform": "Linux", "device": "cpu"}
ENVIRONMENT |= {"device_name": "a made-up processor", "threads": 1}


def make_study(trials: int) -> tuple[Sequence[Study], Setting]:
    """Make a study with about this number of trials, equally many per arm.

    Above 10,000 trials, seeds of the A/A arm coincide with those of the baseline, so that some trials share a record.
    """
    base = {"dropout": 0.5, "augmentation": "both"}
    study = Study("Does the report keep up?", _claims(), base=base, arms=ARMS, name="many")
    seeds = max(2, round(trials / len(all_arms(study))))
    profile = Profile("quick", {"alexnet-32": 1 / 4}, 4_000, {"alexnet-32": EPOCHS}, seeds, 5, 2**22)
    return [study], Setting(profile, DATA, seeds=seeds)


def fabricate(out: Path, trials: int) -> None:
    """Write a record for each job of `make_study`."""
    (study,), setting = make_study(trials)
    draw = np.random.default_rng(0)
    for place in expand_study(study, setting):
        store.write(out, make_record(place, draw))


def _claims() -> tuple[Claim, ...]:
    """Claims that compare each arm with the first one by three metrics, and one claim on a ratio."""
    baseline, *other_arms = ARMS
    metrics = ("test/accuracy", "gap/accuracy", "sparsity/zeros/mean")
    parts = [Contrast(metric, arm, baseline, 0.5) for arm in other_arms for metric in metrics]
    parts.append(Contrast(TIME, other_arms[0], baseline, 1.1, ratio=True))
    return tuple(Claim(f"claim-{number}", f"Claim {number} holds", (part,)) for number, part in enumerate(parts))


def make_record(place: PlacedJob, draw: np.random.Generator) -> dict[str, Any]:
    """The record of a trial: later arms learn a little less, and sigmoid never reaches 25 % training error."""
    from bench.models.complexity import count_network  # imports torch, which a report does not need

    rank = list(ARMS).index(place.arm) if place.arm in ARMS else 0
    top = 0.1 if place.arm == SHUFFLED else 0.7 - 0.004 * rank
    test, train = top + draw.normal(0, 0.008), 0.95 - 0.002 * rank + draw.normal(0, 0.005)
    points = [_point(epoch, train, test, draw) for epoch in range(0, EPOCHS + 1, EVERY)]
    finals = {"test/accuracy": test, "test/loss": 2 - test, "gap/accuracy": train - test, "memory/peak_mb": 612.25}
    finals |= dict(zip(MEASURED, draw.uniform(0.3, 0.8, len(MEASURED)).tolist(), strict=True))
    step_ms = draw.gamma(40, 0.5, STEPS)
    finals |= {"speed/images_per_second": 128e3 / step_ms.mean(), "speed/step_ms_p50": float(np.median(step_ms))}
    finals |= {"speed/step_ms_p95": float(np.percentile(step_ms, 95))}
    reached = {} if place.arm == "sigmoid" else {TIME: 200.0 + 8 * rank + draw.integers(9)}
    points[-1]["metrics"] |= finals | reached
    return {
        **store.new_record(place.job),
        "started": 1_790_000_000.0 + (place.seed or 0),
        "environment": ENVIRONMENT,
        "data": SOURCE,
        "network": count_network(place.job.model),
        "status": "finished",
        "points": points,
        "raw": {"step_ms": step_ms.tolist()},
        "reason": "",
        "ended": 1_790_000_021.5 + (place.seed or 0),
        "tags": {"profiles": ["quick"], "studies": {place.study: [place.arm]}},
    }


def _point(epoch: int, train: float, test: float, draw: np.random.Generator) -> dict[str, Any]:
    risen = 1 - 0.9 * 0.7**epoch
    noise = draw.normal(0, 0.004, 2).tolist()
    metrics = {"batch/loss": 2.5 - 2 * risen, "train/accuracy": train * risen, "train/loss": 2.5 - 2 * risen}
    metrics |= {"validation/accuracy": test * risen + noise[0], "validation/loss": 2.6 - 2 * risen + noise[1]}
    return {"step": 31 * epoch, "epoch": epoch, "time": 1_790_000_000.0 + epoch, "metrics": metrics}
