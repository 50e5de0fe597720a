"""One training run, from top to bottom. Yields points and logs nothing."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from bench.data.loader import Loader, make_loader
from bench.data.trial_images import Splits
from bench.metrics.memory import peak_memory_mb, reset_peak_memory
from bench.metrics.speed import step_speed, steps_to_error
from bench.models.alexnet import AlexNet
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE, ProcessGroup
from bench.training.evaluation import Evaluator
from bench.training.evaluation_schedule import evaluation_epochs
from bench.training.state import State
from bench.training.step import Step, StepMemory, make_step
from bench.training.stopwatch import Stopwatch

Point = dict[str, Any]


def train(
    trial: Trial,
    network: AlexNet,
    images: Splits,
    saved: dict[str, Any] | None = None,
    checkpoint_due: Callable[[], bool] = lambda: False,
    group: ProcessGroup = SINGLE,
) -> Iterator[Point]:
    """Train a network and evaluate it at the start, after early epochs, about ten times, and at the end.

    A remainder smaller than a batch is left out of its epoch; every epoch is shuffled anew.

    Args:
        trial: What to train.
        network: With its initial weights.
        images: The trial's splits.
        saved: A state that an earlier process yielded; the trial then ends, bit for bit on a CPU, as if never stopped.
        checkpoint_due: Called after each step; where it returns True, {'state': ...} is yielded too.
        group: The processes that train together, all of which call this with the same images and get the same points.

    Yields:
        Points: step, epoch, time and metrics. The last one has 'diverged' set where the training loss was not finite,
        else 'step_ms', the milliseconds of each step.
    """
    run = _prepare(trial, network, images, group)
    state, steps, epochs = run.state, run.steps, trial.recipe.epochs
    memory_is_known = reset_peak_memory(trial.device)
    if saved is None:
        yield _evaluated(state, 0, 0, run.evaluator.full())
    else:
        state.restore(saved)

    for epoch in range(state.epoch, epochs + 1):
        yield from _train_epoch(run, epoch, checkpoint_due)
        mean_loss = group.sum(state.total_loss).item() / group.size / steps
        if not math.isfinite(mean_loss):
            yield {**_point(epoch * steps, epoch, {}), "diverged": True}
            return
        if state.watches_validation:
            state.end_epoch(run.evaluator.validation_accuracy())
        if epoch in evaluation_epochs(epochs) and epoch < epochs:
            sample = run.evaluator.sample() | state.gradient_flow
            yield _evaluated(state, epoch * steps, epoch, {"batch/loss": mean_loss, **sample})
            state.gradient_flow = {}

    final = {"batch/loss": mean_loss} | run.evaluator.full() | run.evaluator.crops() | state.gradient_flow
    point = _evaluated(state, epochs * steps, epochs, final)
    if (steps_to_25 := steps_to_error(state.curve, 0.25)) is not None:
        point["metrics"]["speed/steps_to_train_error_25"] = steps_to_25
    step_ms = state.step_ms + run.stopwatch.milliseconds()
    point["metrics"] |= step_speed(step_ms, run.batch)
    if memory_is_known:
        point["metrics"]["memory/peak_mb"] = peak_memory_mb(trial.device)
    yield {**point, "step_ms": step_ms}


class _Run(NamedTuple):
    """What a trial needs while it runs. batch: images of a step, over all processes; steps: of an epoch."""

    batch: int
    steps: int
    group: ProcessGroup
    state: State
    evaluator: Evaluator
    loader: Loader
    memory: StepMemory
    step: Step
    stopwatch: Stopwatch


def _prepare(trial: Trial, network: AlexNet, images: Splits, group: ProcessGroup) -> _Run:
    count = len(images.train.labels)
    batch = min(trial.recipe.batch, count)
    network = network.to(trial.device).to(memory_format=torch.channels_last).train()
    state = State(trial, network, count // batch, group)
    loader = make_loader(images.train, batch // group.size)
    draws = torch.empty(batch // group.size, state.augmentation.draws, device=trial.device)
    memory = StepMemory(loader.images, loader.index, draws, state.total_loss)
    step = make_step(trial, trial.recipe, network, state.optimizer, memory, group)
    evaluator = Evaluator(trial, network, images, group)
    return _Run(batch, count // batch, group, state, evaluator, loader, memory, step, Stopwatch(trial.device))


def _train_epoch(run: _Run, epoch: int, checkpoint_due: Callable[[], bool]) -> Iterator[Point]:
    """Train on each batch of an epoch, from where the state is; yield states where a checkpoint is due."""
    state, own_batch = run.state, run.batch // run.group.size
    count = len(run.evaluator.images.train.labels)
    order, draws = (run.group.shard_batches(run.batch, rows) for rows in state.begin(epoch, count))
    run.loader.begin_epoch(order, state.first)
    run.stopwatch.start()
    for first in range(state.first, run.steps * own_batch, own_batch):
        run.loader.load(first)
        run.memory.draws.copy_(draws[first : first + own_batch])
        run.step()
        state.end_step()
        run.stopwatch.mark()
        number = first // own_batch + 1
        if run.evaluator.measures_gradients(epoch, number, run.steps):
            state.gradient_flow |= run.evaluator.gradients(epoch, number, run.steps)
        if checkpoint_due():
            state.first = first + own_batch
            yield {"state": state.saved() | {"step_ms": state.step_ms + run.stopwatch.milliseconds()}}
            run.stopwatch.start()
    state.first = 0


def _evaluated(state: State, step: int, epoch: int, metrics: dict[str, float]) -> Point:
    """A point of an evaluation, which extends the training curve."""
    state.curve.append((step, metrics["train/accuracy"]))
    return _point(step, epoch, metrics)


def _point(step: int, epoch: int, metrics: dict[str, float]) -> Point:
    return {"step": step, "epoch": epoch, "time": time.time(), "metrics": metrics}
