"""One training run, from top to bottom. Yields points and logs nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from bench import augment, data, measures
from bench.data import Source
from bench.layouts import LAYOUTS
from bench.model import AlexNet, generator
from bench.spec import Recipe, Trial
from bench.timing import Stopwatch, speed

EVALUATIONS = 10  # of a trial, between its start and its end
SAMPLE = 2_000  # images of each split that they look at


class Images(NamedTuple):
    """A split, resident on the device: canvas (N, C, C, 3) uint8, labels (N,) int64."""

    canvas: Tensor
    labels: Tensor

    def first(self, count: int) -> Images:
        return Images(self.canvas[:count], self.labels[:count])


class Splits(NamedTuple):
    train: Images
    validation: Images
    test: Images


def splits(trial: Trial, source: Source) -> Splits:
    """The trial's images on its device, in stratified order, padded as its layout wants; labels shuffled if asked."""
    train_pixels, train_labels, test_pixels, test_labels = data.load(source.folder)
    held = data.held_out(train_labels)
    chosen = data.stratified(train_labels[~held], max(1, round(trial.recipe.share * trial.data.train)))
    validation = data.stratified(train_labels[held], int(held.sum()))
    pad = LAYOUTS[trial.model.layout].pad

    def resident(pixels: Any, labels: Any) -> Images:
        canvas = functional.pad(torch.from_numpy(np.array(pixels)), (0, 0, pad, pad, pad, pad))
        return Images(canvas.to(trial.device), torch.from_numpy(np.array(labels)).to(trial.device))

    train = resident(train_pixels[~held][chosen], train_labels[~held][chosen])
    if trial.recipe.labels == "shuffled":
        order = torch.randperm(len(train.labels), generator=generator(trial.seed, "labels"))
        train = train._replace(labels=train.labels[order.to(trial.device)])
    return Splits(
        train,
        resident(train_pixels[held][validation], train_labels[held][validation]),
        resident(test_pixels[:], test_labels[:]),
    )


def train(trial: Trial, network: AlexNet, images: Splits) -> Iterator[dict[str, Any]]:
    """Points: step, epoch, time and metrics, at the start, about ten times between, and at the end.

    The last point has 'diverged' set where the training loss was not finite; it then holds what was known.
    A remainder smaller than a batch is left out of its epoch; every epoch is shuffled anew.
    """
    recipe, device = trial.recipe, trial.device
    (canvas, labels), size, pad = images.train, network.layout.size, network.layout.pad
    batch = min(recipe.batch, len(labels))
    steps = len(labels) // batch
    network = network.to(device).to(memory_format=torch.channels_last).train()
    optimiser = Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
    schedule = _schedule(optimiser, recipe, steps)
    order, augmentation = generator(trial.seed, "order"), generator(trial.seed, "augmentation")
    torch.manual_seed(trial.seed)  # serves dropout masks alone
    activations = _collected(network) if recipe.activation_penalty else None
    stopwatch = Stopwatch(device)
    peak_is_known = measures.reset_peak_memory(device)
    with _autocast(trial):
        start = _everything(network, images)
    yield _point(0, 0, start)
    curve = [(0, start["train/accuracy"])]
    every = max(1, round(recipe.epochs / EVALUATIONS))

    for epoch in range(1, recipe.epochs + 1):
        indices = torch.randperm(len(labels), generator=order).to(device)
        draws = augment.draws(len(labels), augmentation).to(device)
        total = torch.zeros((), device=device)
        stopwatch.start()
        for step in range(steps):
            chosen = slice(step * batch, (step + 1) * batch)
            index = indices[chosen]
            inputs = augment.batch(canvas, index, draws[chosen], recipe.augmentation, size, pad)
            with _autocast(trial):
                loss = functional.cross_entropy(network(inputs), labels[index])
                if activations is not None:
                    loss = loss + recipe.activation_penalty * sum(a.abs().mean() for a in activations)
                    activations.clear()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach()
            stopwatch.mark()
        mean = total.item() / steps  # the epoch's only synchronisation
        if not math.isfinite(mean):
            yield {**_point(epoch * steps, epoch, {}), "diverged": True}
            return
        if epoch % every == 0 and epoch < recipe.epochs:
            with _autocast(trial):
                seen = _sampled(network, images)
            curve.append((epoch * steps, seen["train/accuracy"]))
            yield _point(epoch * steps, epoch, {"batch/loss": mean, **seen})

    with _autocast(trial):
        final = _everything(network, images)
    curve.append((recipe.epochs * steps, final["train/accuracy"]))
    reached = measures.steps_to_error(curve, 0.25)
    if reached is not None:
        final["speed/steps_to_train_error_25"] = reached
    step_ms = stopwatch.milliseconds()
    final |= speed(step_ms, batch)
    if peak_is_known:
        final["memory/peak_mb"] = measures.peak_memory_mb(device)
    yield {**_point(recipe.epochs * steps, recipe.epochs, {"batch/loss": mean, **final}), "step_ms": step_ms}


def _everything(network: AlexNet, images: Splits) -> dict[str, float]:
    """Every split whole; sparsity is measured on the test images, by the same forward pass."""
    with measures.watched(network) as seen:
        test = measures.evaluate(network, *images.test)
    metrics = {**_sampled(network, images, None), "test/accuracy": test[0], "test/loss": test[1]}
    metrics["gap/accuracy"] = metrics["train/accuracy"] - metrics["test/accuracy"]
    return metrics | measures.sparsity(seen)


def _sampled(network: AlexNet, images: Splits, count: int | None = SAMPLE) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, split in (("train", images.train), ("validation", images.validation)):
        accuracy, loss = measures.evaluate(network, *split.first(count or len(split.labels)))
        metrics |= {f"{name}/accuracy": accuracy, f"{name}/loss": loss}
    return metrics


def _point(step: int, epoch: int, metrics: dict[str, float]) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "time": time.time(), "metrics": metrics}


def _autocast(trial: Trial) -> torch.autocast:
    return torch.autocast(trial.device, torch.bfloat16, enabled=trial.precision == "bfloat16")


def _schedule(optimiser: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    if recipe.schedule == "constant":
        return LambdaLR(optimiser, lambda step: 1.0)
    return OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps)


def _collected(network: AlexNet) -> list[Tensor]:
    """A list that fills with each hidden activation of a training forward pass."""
    kept: list[Tensor] = []
    for _, module in network.activations():
        module.register_forward_hook(lambda module, inputs, output: kept.append(output) if module.training else None)
    return kept
