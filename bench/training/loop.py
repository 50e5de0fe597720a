"""One training run, from top to bottom. Yields points and logs nothing."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bench.data.loader import make_loader
from bench.data.trial_images import Splits
from bench.metrics.gradients import first_to_last
from bench.metrics.memory import peak_memory_mb, reset_peak_memory
from bench.metrics.speed import step_speed, steps_to_error
from bench.models.network import Network
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE, ProcessGroup
from bench.training.evaluation import Evaluator
from bench.training.input_mean import store_mean
from bench.training.state import State
from bench.training.step import StepMemory, make_step
from bench.training.stopwatch import Stopwatch

Point = dict[str, Any]


def train(
    trial: Trial,
    network: Network,
    images: Splits,
    saved: dict[str, Any] | None = None,
    checkpoint_due: Callable[[], bool] = lambda: False,
    group: ProcessGroup = SINGLE,
) -> Iterator[Point]:
    """Train a network and evaluate it: a sample of the images until the end, and then all of them.

    The end is the last epoch, or the first one after which a sample's error is at most the recipe's `until_error`.
    Images left over after the last full batch of an epoch are not trained on; each epoch has a new random order.

    Args:
        trial: The trial.
        network: The network with its initial weights.
        images: The trial's splits.
        saved: State of an earlier process to resume from, with the results of one process, bit for bit on a CPU.
        checkpoint_due: Function called after each step; if it returns True, {'state': ...} is yielded.
        group: The processes that train together; all call this with the same images and get the same points.

    Yields:
        Points: step, epoch, time and metrics. The last one has 'diverged' if the training loss was not finite, else
        'step_ms', the milliseconds of each step.
    """
    run = _Run(trial, network, images, group)
    state, epochs = run.state, trial.recipe.epochs
    if saved is None:
        store_mean(network, images.train, group)
        yield run.point(0, run.evaluator.measure_start())
    else:
        state.restore(saved)

    for epoch in range(state.epoch, epochs + 1):
        yield from _train_epoch(run, epoch, checkpoint_due)
        mean_loss = group.sum(state.total_loss).item() / group.size / run.steps
        if not math.isfinite(mean_loss):
            yield {**run.point(epoch, {}), "diverged": True}
            return
        if state.watches_validation:
            state.end_epoch(run.evaluator.validation_accuracy())
        if epoch in run.evaluator.epochs and epoch < epochs:
            sample = run.evaluator.measure_sample()
            point = run.point(epoch, {"batch/loss": mean_loss, **sample, **state.gradient_flow})
            if run.evaluator.is_learnt(sample):
                break
            yield point
            state.gradient_flow = {}

    yield _final_point(run, epoch, mean_loss)


class _Run:
    """State, evaluator, loader and step of a running trial.

    Attributes:
        batch: Number of images in a step, over all processes.
        steps: Number of steps in an epoch.
    """

    def __init__(self, trial: Trial, network: Network, images: Splits, group: ProcessGroup) -> None:
        count = len(images.train.labels)
        self.batch, self.group = min(trial.recipe.batch, count), group
        self.steps, process_batch = count // self.batch, self.batch // group.size
        network = network.to(trial.device).to(memory_format=torch.channels_last).train()
        self.state = State(trial, network, self.steps, group)
        self.evaluator = Evaluator(trial, network, images, group)
        self.loader = make_loader(images.train, process_batch)
        draws = torch.empty(process_batch, self.state.augmentation.draws, device=trial.device)
        self.memory = StepMemory(self.loader.images, self.loader.index, draws, self.state.total_loss)
        self.step = make_step(trial, trial.recipe, network, self.state.optimizer, self.memory, group)
        self.stopwatch = Stopwatch(trial.device)
        self.measures_memory = reset_peak_memory(trial.device)

    def point(self, epoch: int, metrics: dict[str, float]) -> Point:
        """Make a point after an epoch; a training accuracy in its metrics extends the training curve."""
        step = epoch * self.steps
        if "train/accuracy" in metrics:
            self.state.curve.append((step, metrics["train/accuracy"]))
        return {"step": step, "epoch": epoch, "time": time.time(), "metrics": metrics}

    def step_ms(self) -> list[float]:
        """Milliseconds of each step so far, including those in earlier processes."""
        return self.state.step_ms + self.stopwatch.milliseconds()


def _train_epoch(run: _Run, epoch: int, checkpoint_due: Callable[[], bool]) -> Iterator[Point]:
    """Train on the remaining batches of an epoch; yield the state when a checkpoint is due."""
    state, process_batch = run.state, run.batch // run.group.size
    count = len(run.evaluator.images.train.labels)
    order, draws = (run.group.shard_batches(run.batch, rows) for rows in state.begin(epoch, count))
    run.loader.begin_epoch(order, state.first)
    run.stopwatch.start()
    for first in range(state.first, run.steps * process_batch, process_batch):
        run.loader.load(first)
        run.memory.draws.copy_(draws[first : first + process_batch])
        run.step()
        state.end_step()
        run.stopwatch.mark()
        number = first // process_batch + 1
        if run.evaluator.measures_gradients(epoch, number, run.steps):
            state.gradient_flow |= run.evaluator.gradients(epoch, number, run.steps)
        if checkpoint_due():
            state.first = first + process_batch
            yield {"state": state.saved() | {"step_ms": run.step_ms()}}
            run.stopwatch.start()
    state.first = 0


def _final_point(run: _Run, epoch: int, mean_loss: float) -> Point:
    """Evaluate everything at the end of a trial. If a sample ended it, the curve holds that sample already."""
    flow = run.state.gradient_flow
    metrics = {"batch/loss": mean_loss} | run.evaluator.measure_end() | flow | first_to_last(flow, "end")
    point, step_ms = run.point(epoch, metrics), run.step_ms()
    if (steps := steps_to_error(run.state.curve, 0.25)) is not None:
        metrics["speed/steps_to_train_error_25"] = steps
    metrics |= step_speed(step_ms, run.batch)
    if run.measures_memory:
        metrics["memory/peak_mb"] = peak_memory_mb(run.state.device)
    return {**point, "step_ms": step_ms}
