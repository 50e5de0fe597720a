"""Parts of a training step against the whole step, and against the same parts of other libraries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bench_steps import training_step
from machine import run_alone, time_in_turns
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from bench.components.augmentations import AUGMENTATIONS, DRAWS, Batch
from bench.components.normalisations import LRN
from bench.models.layers import Dropout
from bench.spec.config import ModelConfig, TrainConfig
from bench.timing.subjects import TimedCall

BATCH = 128

Times = dict[str, np.ndarray]


def input_of_a_batch(augmentation: str) -> TimedCall:
    """Augmentation of a batch, from pixels to normalised floats."""
    canvas = torch.randint(0, 256, (4096, 40, 40, 3)).to(torch.uint8)
    index, draw = torch.randint(0, 4096, (BATCH,)), torch.rand(BATCH, DRAWS)
    batch = Batch(canvas, index, draw, 32, 4)
    return lambda: AUGMENTATIONS[augmentation].apply(batch)


def input_and_step(augmentation: str, rounds: int) -> Times:
    step = training_step(ModelConfig("document", dropout=0.5), TrainConfig(augmentation=augmentation))
    return time_in_turns({"input": input_of_a_batch(augmentation), "step": step}, rounds)


@pytest.mark.parametrize("augmentation", ["both", "document"])
def test_input_against_a_step(figure, short, augmentation):
    times = run_alone(input_and_step, augmentation, 1 if short else 9)
    figure(
        f"input '{augmentation}' / step, full width",
        times["input"] / times["step"],
        0.03,
        is_upper_limit=True,
        unit="%",
    )
    figure(f"input '{augmentation}', one core", BATCH * 1e3 / times["input"], 30_000, unit="images/s")


def one_by_one_and_batch(rounds: int) -> Times:
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, 32, 32, 3), dtype=np.uint8)
    images = [Image.fromarray(image) for image in pixels]
    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )

    def one_by_one() -> Tensor:
        return torch.stack([transform(image) for image in images])

    return time_in_turns({"one by one": one_by_one, "batch": input_of_a_batch("both")}, rounds)


def test_input_against_images_one_by_one(figure, short):
    times = run_alone(one_by_one_and_batch, 1 if short else 15)
    figure("PIL transforms one by one / input 'both'", times["one by one"] / times["batch"])


def both_ways(layer: nn.Module, inputs: Tensor) -> TimedCall:
    leaf, gradient = inputs.clone().requires_grad_(), torch.ones_like(inputs)
    return lambda: torch.autograd.grad(layer(leaf), leaf, gradient)[0]


def both_lrns(rounds: int) -> Times:
    inputs = torch.randn(128, 64, 27, 27).contiguous(memory_format=torch.channels_last)
    ours, theirs = LRN(64), nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
    torch.testing.assert_close(ours(inputs), theirs(inputs), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(both_ways(ours, inputs)(), both_ways(theirs, inputs)(), rtol=1e-6, atol=1e-6)
    return time_in_turns({"ours": both_ways(ours, inputs), "theirs": both_ways(theirs, inputs)}, rounds)


def test_lrn_against_torchs(figure, short):
    times = run_alone(both_lrns, 1 if short else 15)
    figure("torch.nn.LocalResponseNorm / LRN", times["theirs"] / times["ours"], 6.0)


def with_lrn_and_without(rounds: int) -> Times:
    return time_in_turns(
        {
            level: training_step(
                ModelConfig("document", dropout=0.5, normalisation=level), TrainConfig(augmentation="both")
            )
            for level in ("lrn", "none")
        },
        rounds,
    )


def test_an_arm_with_lrn_against_the_arm_without(figure, short):
    times = run_alone(with_lrn_and_without, 1 if short else 9)
    figure("step with LRN / without, full width", times["lrn"] / times["none"], 1.05, is_upper_limit=True)


def both_dropouts(rounds: int) -> Times:
    inputs = torch.randn(128, 4096)
    return time_in_turns({"ours": both_ways(Dropout(), inputs), "theirs": both_ways(nn.Dropout(), inputs)}, rounds)


def test_dropout_against_torchs(figure, short):
    times = run_alone(both_dropouts, 1 if short else 15)
    figure("torch.nn.Dropout / Dropout", times["theirs"] / times["ours"])
