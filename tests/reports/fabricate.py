"""Fabricated studies and records of every kind, to fill a report."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ablations import AGAIN, Ask, Claim, Contrast, Exact, Published, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.profiles import Profile
from ablations.framework.study import SHUFFLED
from ablations.framework.waves import PlacedJob
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig
from bench.spec.jobs import Count, Probe, Timing, Trial

LAYERS = ("conv1", "conv2", "conv3", "fc4", "fc5", "fc6")
NOTE = "Digits are not mirror-invariant: mirroring harms here."
DATA = DataConfig("0123456789abcdef", classes=10, train=4_500, name="digits (scikit-learn)", chance=0.1)
ENVIRONMENT = {
    "commit": "1a2b3c4",
    "torch": "2.14.0",
    "python": "3.11.9",
    "device": "cpu",
    "device_name": "a made-up processor",
    "platform": "Linux",
    "threads": 1,
}


def setting(seeds: int = 3, name: str = "quick") -> Setting:
    """A setting with a fixed number of seeds, and so without interim analyses."""
    profile = Profile(name, {"alexnet-32": 0.25}, 5_000, {"alexnet-32": 20}, seeds, 5, 2**12)
    return Setting(profile, DATA, seeds=seeds)


def activations() -> Study:
    """A study of three activations, in which tanh is a little worse than ReLU and sigmoid much worse."""
    return Study(
        question="What does the activation bring?",
        name="activations",
        arms={"relu": {}, "tanh": {"activation": "tanh"}, "sigmoid": {"activation": "sigmoid", "dropout": 0.5}},
        timings=lambda setting: tuple(
            Timing(subject, (("relu", ModelConfig()), ("tanh", ModelConfig())), sizes, 5)
            for subject, sizes in (("activations", (2**10, 2**14)), ("steps", (128,)))
        ),
        probes=(Ask("Do masks agree?", ("relu",)),),
        claims=(
            Claim(
                "relu-better",
                "ReLU is more accurate than sigmoid and tanh",
                (Contrast("test/accuracy", "relu", "sigmoid", 1.0), Contrast("test/accuracy", "relu", "tanh", 0.5)),
                published=(Published("about 2 points", "Somebody et al. 2012, table 1"),),
                caveat="No arm was tuned for itself.",
            ),
            Claim(
                "relu-gap",
                "ReLU overfits less than tanh",
                (Contrast("gap/accuracy", "relu", "tanh", 2.0, direction="lower"),),
            ),
            Claim(
                "relu-step",
                "A step with ReLU is cheaper",
                (Contrast("time/step_ms", "tanh", "relu", 1.05, ratio=True),),
            ),
        ),
        caveats=("One learning rate for all.",),
    )


def sizes() -> Study:
    """A study that counts two networks without training them."""
    return Study(
        question="How large is the network?",
        name="sizes",
        counts={"wide": ModelConfig(), "narrow": ModelConfig(width=0.5)},
        claims=(Claim("size", "It has about 62.3 M parameters", (Exact("parameters/total", "wide", 62.2e6, 62.4e6),)),),
    )


def write(out: Path, studies: Sequence[Study], setting: Setting, lost_trials: Sequence[tuple[str, int]] = ()) -> None:
    """Write a record for every job; trials of `lost_trials`, (arm, seed), diverged."""
    for study in studies:
        for place in expand_study(study, setting):
            store.write(out, record(study, place, (place.arm, place.seed) in lost_trials))


def amend(out: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Update every record with the fields that `change` returns for it."""
    for record in store.read_all(out):
        store.write(out, {**record, **change(record)})


def record(study: Study, place: PlacedJob, diverged: bool = False) -> dict[str, Any]:
    draw = random.Random(repr((study.name, place.arm, place.seed)))
    common = {
        **store.new_record(place.job),
        "status": "diverged" if diverged else "finished",
        "reason": "the loss was not finite" if diverged else "",
        "started": 1_790_000_000.0,
        "ended": 1_790_000_065.0,
        "environment": ENVIRONMENT,
    }
    match place.job:
        case Trial():
            return common | _trial(study, place.arm, place.job, draw)
        case Count(model):
            return common | {"network": network(model)}
        case Timing():
            arms = [name for name, _ in place.job.arms]
            metrics = [f"time/kernel_ms/{size}" for size in place.job.sizes]
            metrics = metrics if place.job.subject == "activations" else ["time/step_ms"]
            arms += ["copy"] * (place.job.subject == "activations")
            values = {arm: 10 * (1 + 0.2 * number) for number, arm in enumerate(arms)}
            return common | {"samples": _samples(values, metrics, place.job.rounds, draw), "fit": True, "why_unfit": ""}
        case Probe():
            return common | {"samples": _samples({place.arm: 0.7}, ["agreement/accuracy"], 3, draw)}


def _samples(values: dict[str, float], metrics: Sequence[str], pairs: int, draw: random.Random) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "pair": pair, "metric": metric, "value": value * draw.uniform(0.99, 1.01)}
        for metric in metrics
        for arm, value in values.items()
        for pair in range(pairs)
    ]


def network(model: ModelConfig) -> dict[str, Any]:
    rows = [_layer(name, number, model) for number, name in enumerate(LAYERS) if name not in model.without]
    return {"parameters": sum(r["parameters"] for r in rows), "macs": sum(r["macs"] for r in rows), "layers": rows}


def _layer(name: str, number: int, model: ModelConfig) -> dict[str, Any]:
    conv = name.startswith("conv")
    units, places = round((64 if conv else 4096) * model.width), 64 if conv else 1
    weights = units * (64 * 9 if conv else 2304)
    return {
        "name": name,
        "kind": "conv" if conv else "fc",
        "shape": [units, 64, 3, 3] if conv else [units, 2304],
        "output": [units, 8, 8] if conv else [units],
        "parameters": weights + units,
        "macs": weights * places,
        "gain": 5 / 3 if model.activation == "tanh" else 1.0,
        "activation": model.activation,
        "normalisation": model.normalisation,
        "dropout": None if conv or number == len(LAYERS) - 1 else f"Dropout(p={model.dropout}, inplace=False)",
    }


def _trial(study: Study, arm: str, job: Trial, draw: random.Random) -> dict[str, Any]:
    rank = list(study.arms).index(study.baseline if arm in (AGAIN, SHUFFLED) else arm)
    top = 0.10 if arm == SHUFFLED else 0.72 - 0.012 * rank**1.5
    test, train = top + draw.gauss(0, 0.003), 0.97 - 0.004 * rank + draw.gauss(0, 0.004)
    points = []
    for step in range(0, job.recipe.epochs + 1, max(1, job.recipe.epochs // 10)):
        risen = 1 - 0.9 * 0.001 ** (step / job.recipe.epochs / (1 + 0.2 * rank))
        metrics = {"train/accuracy": train * risen, "validation/accuracy": test * risen + draw.gauss(0, 0.004)}
        points.append({"step": step * 39, "epoch": step, "time": 0.0, "metrics": metrics})
    zeros = {
        f"sparsity/zeros/{layer}": (job.model.activation == "relu") * draw.uniform(0.5, 0.8) for layer in LAYERS[:-1]
    }
    points[-1]["metrics"] = {
        "train/accuracy": train,
        "validation/accuracy": test,
        "test/accuracy": test,
        "gap/accuracy": train - test,
        "speed/images_per_second": draw.gauss(5_600 - 300 * rank, 60),
        "speed/steps_to_train_error_25": 200.0 + 40 * rank,
        **zeros,
        "sparsity/zeros/mean": sum(zeros.values()) / len(zeros),
    }
    data = {
        **dataclasses.asdict(job.data),
        "path": "data",
        "validation": 500,
        "test": 1_000,
        "shared_images": 3,
        "note": NOTE,
    }
    return {"network": network(job.model), "points": points, "data": data, "raw": {}}
