"""How long things take: warm-up left out, synchronised, interleaved, raw samples kept, a busy machine flagged."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.components import augmentations
from bench.data.images import Images
from bench.models.alexnet import AlexNet, build
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Timing
from bench.system import cpu_load, devices
from bench.training.state import optimiser
from bench.training.step import stepper

WARM_UP = 3  # steps, or rounds, that are run and not counted
MINIMUM = 2e-4  # seconds that one sample lasts at least: short kernels are repeated within it
SPREAD, STOLEN = 0.10, 0.05  # beyond these shares a timing is unfit to judge by

Task = Callable[[], Any]


class Stopwatch:
    """Step times without a synchronisation: CUDA events on a GPU, the clock on a CPU."""

    def __init__(self, device: str) -> None:
        self.cuda = device == "cuda"
        self.laps: list[list[Any]] = []

    def start(self) -> None:
        self.laps.append([])
        self.mark()

    def mark(self) -> None:
        if self.cuda:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.laps[-1].append(event)
        else:
            self.laps[-1].append(time.perf_counter())

    def milliseconds(self) -> list[float]:
        """Between marks of one lap, over all laps; the first steps of the first lap, which warm up, are left out."""
        if self.cuda:
            torch.cuda.synchronize()
            steps = [[a.elapsed_time(b) for a, b in itertools.pairwise(lap)] for lap in self.laps]
        else:
            steps = [[(b - a) * 1e3 for a, b in itertools.pairwise(lap)] for lap in self.laps]
        flat = [step for lap in steps for step in lap]
        warm_up = WARM_UP + self.cuda  # on a GPU the step after those records a graph
        return flat[min(warm_up, len(flat) - 1) :]


def speed(step_ms: list[float], batch: int) -> dict[str, float]:
    return {
        "speed/images_per_second": batch * 1e3 * len(step_ms) / sum(step_ms),
        "speed/step_ms_p50": float(np.percentile(step_ms, 50)),
        "speed/step_ms_p95": float(np.percentile(step_ms, 95)),
    }


def measure(timing: Timing) -> dict[str, Any]:
    """The timing's samples, and whether the machine was quiet enough to judge by them."""
    samples: list[dict[str, Any]] = []
    stolen: list[float] = []
    taken = cpu_load.others()
    with _working(threads(timing)):
        for metric, tasks in SUBJECTS[timing.subject](timing):
            for arm, pair, milliseconds, lost in interleave(tasks, timing.rounds, timing.device):
                samples.append({"arm": arm, "pair": pair, "metric": metric, "value": milliseconds})
                stolen.append(lost)
    if threads(timing) > 1:  # beside one thread others have cores of their own
        stolen = [taken()]
    why = unfit(samples, stolen if timing.device == "cpu" else [0.0])
    return {"samples": samples, "fit": not why, "why_unfit": why}


def threads(timing: Timing) -> int:
    return timing.threads or devices.cores()


@contextmanager
def _working(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def interleave(tasks: dict[str, Task], rounds: int, device: str) -> Iterator[tuple[str, int, float, float]]:
    """Arm, round, milliseconds a call, and the share of the time in which the process did not have the processor.

    Every round runs each arm once (A B C, A B C, ...), so that a drift of the machine's speed meets all alike. An arm's
    call is repeated within a sample until it lasts long enough to be timed.
    """
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    repeats = {}
    for arm, task in tasks.items():
        for _ in range(WARM_UP):
            task()
        wait()
        start = time.perf_counter()
        task()
        wait()
        repeats[arm] = max(1, round(MINIMUM / (time.perf_counter() - start)))
    for pair in range(rounds):
        for arm, task in tasks.items():
            start, busy = time.perf_counter(), time.process_time()
            for _ in range(repeats[arm]):
                task()
            wait()
            took, used = time.perf_counter() - start, time.process_time() - busy
            yield arm, pair, took * 1e3 / repeats[arm], max(0.0, 1 - used / took)


def unfit(samples: list[dict[str, Any]], stolen: list[float]) -> str:
    """Why the samples cannot be judged by, or ''.

    samples: as recorded. stolen: the share of each sample's time in which the process did not have the processor. A
    spread is the interquartile range over the median; the typical one counts, so that a slow round is no reason.
    """
    lost = float(np.mean(stolen))
    if lost > STOLEN:
        return f"the machine was busy: {lost:.0%} of the time went to other processes"
    by_arm: dict[tuple[str, str], list[float]] = {}
    for sample in samples:
        by_arm.setdefault((sample["metric"], sample["arm"]), []).append(sample["value"])
    spreads = [(np.percentile(v, 75) - np.percentile(v, 25)) / np.median(v) for v in by_arm.values()]
    worst = float(np.median(spreads))
    return f"the machine was unsteady: typical spread {worst:.0%}" if worst > SPREAD else ""


def _activations(timing: Timing) -> Iterator[tuple[str, dict[str, Task]]]:
    """Forward and backward kernel of each arm's activation, and a copy of the same bytes, at every size."""
    for size in timing.sizes:
        inputs = torch.randn(size, device=timing.device, generator=_generator(timing.device))
        gradient, output, result = torch.ones_like(inputs), torch.empty_like(inputs), torch.empty_like(inputs)
        tasks = {name: _both_ways(model.activation, inputs, gradient, output, result) for name, model in timing.arms}
        tasks["copy"] = partial(output.copy_, inputs)
        yield f"time/kernel_ms/{size}", tasks


def _both_ways(name: str, inputs: Tensor, gradient: Tensor, output: Tensor, result: Tensor) -> Task:
    """The kernels themselves, into memory that is there: neither autograd's overhead nor an allocation is timed."""
    aten = torch.ops.aten

    def relu() -> None:
        torch.clamp_min(inputs, 0, out=output)
        aten.threshold_backward.grad_input(gradient, output, 0, grad_input=result)

    def sigmoid() -> None:
        torch.sigmoid(inputs, out=output)
        aten.sigmoid_backward.grad_input(gradient, output, grad_input=result)

    def tanh() -> None:
        torch.tanh(inputs, out=output)
        aten.tanh_backward.grad_input(gradient, output, grad_input=result)

    return {"relu": relu, "sigmoid": sigmoid, "tanh": tanh}[name]


def _steps(timing: Timing) -> Iterator[tuple[str, dict[str, Task]]]:
    """One training step of each arm's network, as trials make it, on images without augmentation."""
    (size,) = timing.sizes
    yield "time/step_ms", {name: _step(model, size, timing) for name, model in timing.arms}


def _step(model: ModelConfig, size: int, timing: Timing) -> Task:
    recipe, device = TrainConfig(1e-4, "constant", augmentation="none"), timing.device
    network = build(model, 0).to(device).to(memory_format=torch.channels_last)
    side, index = network.layout.size, torch.arange(size, device=device)
    canvas = torch.randint(256, (size, side, side, 3), dtype=torch.uint8, device=device, generator=_generator(device))
    draw, total = torch.zeros(size, augmentations.DRAWS, device=device), torch.zeros((), device=device)
    images = Images(canvas, index % model.classes)
    return stepper(timing, recipe, network, optimiser(network, recipe, device), images, index, draw, total)


def _layers(timing: Timing) -> Iterator[tuple[str, dict[str, Task]]]:
    """Forward time of the convolutional part and of the fully connected part, at each batch size."""
    for size in timing.sizes:
        tasks: dict[str, Task] = {}
        for arm, model in timing.arms:
            network = build(model, 0).to(timing.device).to(memory_format=torch.channels_last).eval()
            images = _images(network, size, timing)
            names = [name for name, _ in network.layers.named_children()]
            cut = names.index("flatten")
            tasks[f"{arm}: convolutions"] = _forward(network.layers[:cut], images)
            with torch.no_grad():
                middle = network.layers[: cut + 1](images)
            tasks[f"{arm}: fully connected"] = _forward(network.layers[cut + 1 :], middle)
        yield f"time/forward_ms/batch {size}", tasks


def _forward(part: nn.Module, inputs: Tensor) -> Task:
    @torch.no_grad()
    def task() -> None:
        part(inputs)

    return task


def _images(network: AlexNet, size: int, timing: Timing) -> Tensor:
    side = network.layout.size
    images = torch.rand(size, 3, side, side, device=timing.device, generator=_generator(timing.device)) * 2 - 1
    return images.contiguous(memory_format=torch.channels_last)


def _generator(device: str) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


SUBJECTS: dict[str, Callable[[Timing], Iterator[tuple[str, dict[str, Task]]]]] = {
    "activations": _activations,
    "steps": _steps,
    "layers": _layers,
}
