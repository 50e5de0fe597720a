"""One training run, from top to bottom. Yields points and logs nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from bench import augment, measures
from bench.model import AlexNet, generator
from bench.spec import Recipe, Trial
from bench.splits import Splits
from bench.steps import autocast, stepper
from bench.timing import Stopwatch, speed

EVALUATIONS = 10  # of a trial, between its start and its end
SAMPLE = 2_000  # images of each split that they look at


def train(trial: Trial, network: AlexNet, images: Splits) -> Iterator[dict[str, Any]]:
    """Points: step, epoch, time and metrics, at the start, about ten times between, and at the end.

    The last point has 'diverged' set where the training loss was not finite; it then holds what was known.
    A remainder smaller than a batch is left out of its epoch; every epoch is shuffled anew.
    """
    recipe, device, count = trial.recipe, trial.device, len(images.train.labels)
    batch = min(recipe.batch, count)
    steps = count // batch
    network = network.to(device).to(memory_format=torch.channels_last).train()
    optimiser = _optimiser(network, recipe, device)
    schedule = _schedule(optimiser, recipe, steps)
    order, augmentation = generator(trial.seed, "order"), generator(trial.seed, "augmentation")
    torch.manual_seed(trial.seed)  # serves dropout masks alone
    index = torch.empty(batch, dtype=torch.int64, device=device)  # what a step trains on: the same memory every time
    draw = torch.empty(batch, augment.DRAWS, device=device)
    total = torch.zeros((), device=device)
    step = stepper(trial, network, optimiser, images.train, index, draw, total)
    stopwatch = Stopwatch(device)
    peak_is_known = measures.reset_peak_memory(device)
    start = _everything(trial, network, images)
    yield _point(0, 0, start)
    curve = [(0, start["train/accuracy"])]
    every = max(1, round(recipe.epochs / EVALUATIONS))

    for epoch in range(1, recipe.epochs + 1):
        indices = torch.randperm(count, generator=order).to(device)
        draws = augment.draws(count, augmentation).to(device)
        total.zero_()
        stopwatch.start()
        for first in range(0, steps * batch, batch):
            index.copy_(indices[first : first + batch])
            draw.copy_(draws[first : first + batch])
            step()
            schedule.step()
            stopwatch.mark()
        mean = total.item() / steps  # the epoch's only synchronisation
        if not math.isfinite(mean):
            yield {**_point(epoch * steps, epoch, {}), "diverged": True}
            return
        if epoch % every == 0 and epoch < recipe.epochs:
            seen = _sampled(trial, network, images, SAMPLE)
            curve.append((epoch * steps, seen["train/accuracy"]))
            yield _point(epoch * steps, epoch, {"batch/loss": mean, **seen})

    final = _everything(trial, network, images)
    curve.append((recipe.epochs * steps, final["train/accuracy"]))
    reached = measures.steps_to_error(curve, 0.25)
    if reached is not None:
        final["speed/steps_to_train_error_25"] = reached
    step_ms = stopwatch.milliseconds()
    final |= speed(step_ms, batch)
    if peak_is_known:
        final["memory/peak_mb"] = measures.peak_memory_mb(device)
    yield {**_point(recipe.epochs * steps, recipe.epochs, {"batch/loss": mean, **final}), "step_ms": step_ms}


def _everything(trial: Trial, network: AlexNet, images: Splits) -> dict[str, float]:
    """Every split whole; sparsity is measured on the test images, by the same forward pass."""
    with autocast(trial), measures.watched(network) as seen:
        test = measures.evaluate(network, *images.test)
    metrics = {**_sampled(trial, network, images), "test/accuracy": test[0], "test/loss": test[1]}
    metrics["gap/accuracy"] = metrics["train/accuracy"] - metrics["test/accuracy"]
    return metrics | measures.sparsity(seen)


def _sampled(trial: Trial, network: AlexNet, images: Splits, count: int | None = None) -> dict[str, float]:
    """The first images of train and of validation, or all."""
    metrics: dict[str, float] = {}
    for name, split in (("train", images.train), ("validation", images.validation)):
        with autocast(trial):
            accuracy, loss = measures.evaluate(network, *split.first(count or len(split.labels)))
        metrics |= {f"{name}/accuracy": accuracy, f"{name}/loss": loss}
    return metrics


def _point(step: int, epoch: int, metrics: dict[str, float]) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "time": time.time(), "metrics": metrics}


def _optimiser(network: AlexNet, recipe: Recipe, device: str) -> Optimizer:
    """The learning rate is a tensor, and the optimiser counts its steps on the device: a recorded graph reads both."""
    rate = torch.tensor(recipe.learning_rate, device=device)
    decay = recipe.weight_decay
    return Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True, capturable=device == "cuda")


def _schedule(optimiser: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Momentum stays as it is: a recorded graph would not see it change."""
    if recipe.schedule == "constant":
        return LambdaLR(optimiser, lambda step: 1.0)
    return OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps, cycle_momentum=False)
