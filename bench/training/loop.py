"""One training run, from top to bottom. Yields points and logs nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bench.components import augmentations
from bench.data.loader import feed
from bench.data.photos import Photographs
from bench.data.splits import Splits
from bench.metrics import measures
from bench.models.alexnet import AlexNet
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE, ProcessGroup
from bench.timing.measurement import Stopwatch, speed
from bench.training.evaluation_schedule import EARLY, MOST, SAMPLE, evaluation_epochs
from bench.training.state import State
from bench.training.step import autocast, stepper


def train(
    trial: Trial,
    network: AlexNet,
    images: Splits,
    saved: dict[str, Any] | None = None,
    due: Callable[[], bool] = lambda: False,
    ranks: ProcessGroup = SINGLE,
) -> Iterator[dict[str, Any]]:
    """Points: step, epoch, time and metrics, at the start, after EARLY epochs, about ten times, and at the end.

    The last point has 'diverged' set where the training loss was not finite; it then holds what was known.
    A remainder smaller than a batch is left out of its epoch; every epoch is shuffled anew.
    due: asked after each step, whether to yield {'state': ...} too; from such a state, given as `saved`, a trial goes
    on and ends, bit for bit on a CPU, as if nothing had happened.
    ranks: all of whose processes do this at once, with the same images, and get the same points.
    """
    recipe, device, count = trial.recipe, trial.device, len(images.train.labels)
    batch = min(recipe.batch, count)
    steps, own = count // batch, batch // ranks.size
    network = network.to(device).to(memory_format=torch.channels_last).train()
    state = State(trial, network, steps, ranks)
    fed = feed(images.train, own)
    draw = torch.empty(own, augmentations.columns(recipe.augmentation), device=device)
    step = stepper(trial, recipe, network, state.optimiser, fed.images, fed.index, draw, state.total, ranks)
    stopwatch = Stopwatch(device)
    peak_is_known = measures.reset_peak_memory(device)
    looked = evaluation_epochs(recipe.epochs)
    if saved is None:
        start = _everything(trial, network, images, ranks)
        state.curve.append((0, start["train/accuracy"]))
        yield _point(0, 0, start)
    else:
        state.restore(saved)

    for epoch in range(state.epoch, recipe.epochs + 1):
        order, draws = (ranks.of_each(batch, rows) for rows in state.begin(epoch, count))
        fed.begin(order, state.first)
        stopwatch.start()
        for first in range(state.first, steps * own, own):
            fed.take(first)
            draw.copy_(draws[first : first + own])
            step()
            state.advance()
            stopwatch.mark()
            number = first // own + 1
            if (epoch, number) == (1, 1) or (number == steps and epoch in looked):
                state.flow |= _flow(network, epoch, number, trial, steps)
            if due():
                state.first = first + own
                yield {"state": state.saved() | {"step_ms": state.step_ms + stopwatch.milliseconds()}}
                stopwatch.start()
        state.first = 0
        mean = ranks.summed(state.total).item() / ranks.size / steps
        if not math.isfinite(mean):
            yield {**_point(epoch * steps, epoch, {}), "diverged": True}
            return
        if state.watches:
            with autocast(trial):
                state.settle(measures.evaluate(network, images.validation.first(SAMPLE), ranks)[0])
        if epoch in looked and epoch < recipe.epochs:
            seen = _sampled(trial, network, images, ranks, SAMPLE) | state.flow
            state.curve.append((epoch * steps, seen["train/accuracy"]))
            yield _point(epoch * steps, epoch, {"batch/loss": mean, **seen})
            state.flow = {}

    final = _everything(trial, network, images, ranks) | _crops(trial, network, images, ranks) | state.flow
    state.curve.append((recipe.epochs * steps, final["train/accuracy"]))
    reached = measures.steps_to_error(state.curve, 0.25)
    if reached is not None:
        final["speed/steps_to_train_error_25"] = reached
    step_ms = state.step_ms + stopwatch.milliseconds()
    final |= speed(step_ms, batch)
    if peak_is_known:
        final["memory/peak_mb"] = measures.peak_memory_mb(device)
    yield {**_point(recipe.epochs * steps, recipe.epochs, {"batch/loss": mean, **final}), "step_ms": step_ms}


def _everything(trial: Trial, network: AlexNet, images: Splits, ranks: ProcessGroup) -> dict[str, float]:
    """The test images, with their sparsity by the same forward pass, and MOST of the others."""
    with autocast(trial), measures.watched(network) as seen:
        test = measures.evaluate(network, images.test, ranks)
    metrics = {**_sampled(trial, network, images, ranks), "test/accuracy": test[0], "test/loss": test[1]}
    metrics["gap/accuracy"] = metrics["train/accuracy"] - metrics["test/accuracy"]
    return metrics | measures.sparsity(seen, ranks)


def _crops(trial: Trial, network: AlexNet, images: Splits, ranks: ProcessGroup) -> dict[str, float]:
    """Of photographs, which are tested by the paper's ten crops too."""
    if not isinstance(images.test, Photographs):
        return {}
    with autocast(trial):
        return measures.crops(network, images.test, ranks)


def _sampled(
    trial: Trial, network: AlexNet, images: Splits, ranks: ProcessGroup, count: int = MOST
) -> dict[str, float]:
    """The first images of train and of validation."""
    metrics: dict[str, float] = {}
    for name, split in (("train", images.train), ("validation", images.validation)):
        with autocast(trial):
            accuracy, loss = measures.evaluate(network, split.first(count), ranks)
        metrics |= {f"{name}/accuracy": accuracy, f"{name}/loss": loss}
    return metrics


def _flow(network: AlexNet, epoch: int, step: int, trial: Trial, steps: int) -> dict[str, float]:
    """How a step's gradients flow, where it ends an epoch, and what of the last layer's arrives at the first, after the
    first step of all, after EARLY epochs and at the end. The device is waited for."""
    early = [(f"epoch_{number}", (number, steps)) for number in EARLY]
    moments = [("start", (1, 1)), *early, ("end", (trial.recipe.epochs, steps))]
    flow = measures.gradient_flow(network)
    first, *_, last = flow.values()
    told = {f"gradient/first_to_last/{name}": first / last for name, at in moments if at == (epoch, step) and last}
    return told | (flow if step == steps else {})


def _point(step: int, epoch: int, metrics: dict[str, float]) -> dict[str, Any]:
    return {"step": step, "epoch": epoch, "time": time.time(), "metrics": metrics}
