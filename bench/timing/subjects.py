"""Subjects of timings: kernels of activations, training steps, parts of networks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.components.activations import ACTIVATIONS
from bench.components.augmentations import DRAWS
from bench.components.registry import register
from bench.data.image_sets import ResidentImages
from bench.models.network import build
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Timing
from bench.training.state import build_optimizer
from bench.training.step import StepMemory, make_step

TimedCall = Callable[[], Any]
Subject = Callable[[Timing], Iterator[tuple[str, dict[str, TimedCall]]]]
SUBJECTS: dict[str, Subject] = {}


def check_arms(timing: Timing) -> None:
    """Raise InputError if an arm has nothing that the timing's subject measures."""
    for arm, model in timing.arms:
        if model.is_declared and timing.subject != "steps":
            raise InputError(f"arm {arm!r}: a timing of {timing.subject} takes AlexNet alone; time its network's steps")
        if timing.subject == "activations" and ACTIVATIONS[model.activation].kernel is None:
            raise InputError(f"arm {arm!r}: {model.activation} has no elementwise kernel; time its network's steps")


@register(SUBJECTS, "activations")
def activation_kernels(timing: Timing) -> Iterator[tuple[str, dict[str, TimedCall]]]:
    """Forward and backward kernel of each arm's activation, and a copy of the same bytes, at every size.

    The first size is the stated one, whose metric has no size in its name, so that a claim can name it on any device.
    """
    stated_size, *sizes = timing.sizes
    for metric, size in [("time/kernel_ms", stated_size), *((f"time/kernel_ms/{size}", size) for size in sizes)]:
        inputs = torch.randn(size, device=timing.device, generator=_generator(timing.device))
        gradient, output, input_gradient = torch.ones_like(inputs), torch.empty_like(inputs), torch.empty_like(inputs)
        tasks: dict[str, TimedCall] = {}
        for arm, model in timing.arms:
            if kernel := ACTIVATIONS[model.activation].kernel:
                tasks[arm] = partial(kernel, inputs, gradient, output, input_gradient)
        tasks["copy"] = partial(output.copy_, inputs)
        yield metric, tasks


@register(SUBJECTS, "steps")
def training_steps(timing: Timing) -> Iterator[tuple[str, dict[str, TimedCall]]]:
    """One training step of each arm's network, the same as in trials, on images without augmentation."""
    (size,) = timing.sizes
    yield "time/step_ms", {arm: _training_step(model, size, timing) for arm, model in timing.arms}


@register(SUBJECTS, "layers")
def network_parts(timing: Timing) -> Iterator[tuple[str, dict[str, TimedCall]]]:
    """Forward time of the convolutional part and of the fully connected part, at each batch size."""
    for size in timing.sizes:
        tasks: dict[str, TimedCall] = {}
        for arm, model in timing.arms:
            network = build(model, 0).to(timing.device).to(memory_format=torch.channels_last).eval()
            shape = (size, 3, network.size, network.size)
            images = torch.rand(shape, device=timing.device, generator=_generator(timing.device)) * 2 - 1
            images = images.contiguous(memory_format=torch.channels_last)
            convolutions, fully_connected = network.parts()
            tasks[f"{arm}: convolutions"] = _forward(convolutions, images)
            with torch.no_grad():
                features = convolutions(images).flatten(1)
            tasks[f"{arm}: fully connected"] = _forward(fully_connected, features)
        yield f"time/forward_ms/batch {size}", tasks


def _training_step(model: ModelConfig, size: int, timing: Timing) -> TimedCall:
    recipe, device = TrainConfig(1e-4, "constant", augmentation="none"), timing.device
    network = build(model, 0).to(device).to(memory_format=torch.channels_last)
    side, index = network.size, torch.arange(size, device=device)
    canvas = torch.randint(256, (size, side, side, 3), dtype=torch.uint8, device=device, generator=_generator(device))
    draws, total_loss = torch.zeros(size, DRAWS, device=device), torch.zeros((), device=device)
    memory = StepMemory(ResidentImages(canvas, index % model.classes), index, draws, total_loss)
    return make_step(timing, recipe, network, build_optimizer(network, recipe, device), memory)


def _forward(part: nn.Module, inputs: Tensor) -> TimedCall:
    return partial(torch.no_grad()(part.forward), inputs)


def _generator(device: str) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)
