"""Training steps of all workers together, against a matrix product of all cores."""

from __future__ import annotations

import machine
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula

from bench.components.augmentations import DRAWS
from bench.data.image_sets import ResidentImages
from bench.models.network import build
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import choose_precision
from bench.training.state import build_optimizer
from bench.training.step import Step, StepMemory, make_step


def training_step(model: ModelConfig, recipe: TrainConfig, precision: str = "float32") -> Step:
    """The harness's training step on random images, augmentation included."""
    trial = Trial(model, recipe, DataConfig("", model.classes), 0, precision=precision)
    network = build(model, 0).to(memory_format=torch.channels_last).train()
    side = network.size + 2 * network.pad
    images = ResidentImages(torch.randint(0, 256, (4096, side, side, 3)).to(torch.uint8), torch.randint(0, 10, (4096,)))
    index, draw = torch.randint(0, 4096, (recipe.batch,)), torch.rand(recipe.batch, DRAWS)
    memory = StepMemory(images, index, draw, torch.zeros(()))
    return make_step(trial, recipe, network, build_optimizer(network, recipe, "cpu"), memory)


@register_flop_formula(torch.ops.mkldnn._linear_pointwise)
def linear_flops(x: torch.Size, weight: torch.Size, *arguments: object, **options: object) -> int:
    """Count a multiplication and an addition for each input of each output."""
    return 2 * x[0] * x[1] * weight[0]


def flops(step: Step) -> float:
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def steps_against_product(width: float, rounds: int, steps: int, precision: str) -> list[tuple[float, float, float]]:
    """Rates of a matrix product, a copy and training steps, in turns; runs in several processes at once."""
    work = flops(training_step(ModelConfig("document", dropout=0.5, width=width), TrainConfig(augmentation="both")))
    step = training_step(ModelConfig("document", dropout=0.5, width=width), TrainConfig(augmentation="both"), precision)
    tasks = (*machine.product(precision), 8), (*machine.copy(), 8), (step, work, steps)
    for task, _, _ in tasks:
        task()
    return [tuple(machine.rate(task, work, times) for task, work, times in tasks) for _ in range(rounds)]


@pytest.mark.parametrize(
    "precision, width, steps, goal",
    [
        ("float32", 1, 4, 0.75),
        ("float32", 1 / 4, 60, 0.68),
        ("bfloat16", 1, 4, 0.70),
        ("bfloat16", 1 / 4, 60, 0.55),
    ],
)
def test_steps_of_all_workers_against_a_matrix_product_of_all_cores(figure, short, precision, width, steps, goal):
    if choose_precision("auto", "cpu") == "float32" != precision:
        pytest.skip("this processor has no units for bfloat16")
    arguments = width, 1 if short else 9, 1 if short else steps, precision
    product, copy, step = np.array(machine.run_together(steps_against_product, *arguments)).sum(0).T
    name = "full" if width == 1 else "quarter"
    if name == "full":
        figure(f"machine: {precision} matrix product, all cores", product / 1e9, unit="GFLOP/s")
    if (name, precision) == ("full", "float32"):
        figure("machine: copy, read and written, all cores", copy / 1e9, unit="GB/s")
    figure(f"steps / matrix product, {name} width, {precision}", step / product, goal, unit="%")


def adam_against_scaling(rounds: int, steps: int) -> list[tuple[float, float]]:
    """Bytes per second of scaling in place and of Adam's step at full width, in turns; runs in several processes.

    The step reads weights, gradients and two moments and writes all but the gradients: 28 bytes per parameter.
    """
    network = build(ModelConfig("document", dropout=0.5), 0)
    adam = build_optimizer(network, TrainConfig(augmentation="both"), "cpu")
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    work = 28.0 * sum(parameter.numel() for parameter in network.parameters())
    tasks = (*machine.scale(), 8), (adam.step, work, steps)
    for task, _, _ in tasks:
        task()
    return [tuple(machine.rate(task, work, times) for task, work, times in tasks) for _ in range(rounds)]


def test_the_optimisers_memory_traffic(figure, short):
    scale, step = np.array(machine.run_together(adam_against_scaling, *((1, 1) if short else (9, 40)))).sum(0).T
    figure("machine: scaling in place, all cores", scale / 1e9, unit="GB/s")
    figure("Adam's memory traffic / scaling's, full width", step / scale, unit="%")
