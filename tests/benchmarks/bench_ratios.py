"""Ratios of two things interleaved in one run. Run by `make bench`; prints medians, asserts no time."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from bench import augment
from bench.layers import LRN
from bench.timing import interleave

ROUNDS = 9


def ratio(slow: Callable[[], object], fast: Callable[[], object]) -> tuple[float, float]:
    """Median and interquartile range of slow over fast, round by round."""
    torch.set_num_threads(1)
    times: dict[str, list[float]] = {"slow": [], "fast": []}
    for arm, _, milliseconds, _ in interleave({"slow": slow, "fast": fast}, ROUNDS, "cpu"):
        times[arm].append(milliseconds)
    ratios = np.array(times["slow"]) / np.array(times["fast"])
    return float(np.median(ratios)), float(np.subtract(*np.percentile(ratios, [75, 25])))


def both_ways(layer: nn.Module, inputs: Tensor) -> Callable[[], object]:
    leaf, gradient = inputs.clone().requires_grad_(), torch.ones_like(inputs)
    return lambda: torch.autograd.grad(layer(leaf), leaf, gradient)


def test_lrn_against_torchs() -> None:
    """128x64x27x27, channels last, forward and backward, one thread."""
    inputs = torch.randn(128, 64, 27, 27).contiguous(memory_format=torch.channels_last)
    ours, theirs = LRN(64), nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
    torch.testing.assert_close(ours(inputs), theirs(inputs), rtol=1e-6, atol=1e-6)
    median, spread = ratio(both_ways(theirs, inputs), both_ways(ours, inputs))
    print(f"\nLRN: torch.nn.LocalResponseNorm takes {median:.1f} times as long (spread {spread:.1f})")


def test_augmentation_against_images_one_by_one() -> None:
    """Crop and mirror of 128 images, from pixels to normalised floats."""
    pixels = torch.randint(0, 256, (1024, 32, 32, 3), dtype=torch.uint8)
    canvas = nn.functional.pad(pixels, (0, 0, 4, 4, 4, 4))
    index, draws = torch.arange(128), augment.draws(128, torch.Generator().manual_seed(0))
    images = [Image.fromarray(image) for image in pixels[:128].numpy()]
    transform = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )
    median, spread = ratio(
        lambda: torch.stack([transform(image) for image in images]),
        lambda: augment.batch(canvas, index, draws, "both", 32, 4),
    )
    print(f"\naugmentation: images one by one take {median:.0f} times as long (spread {spread:.0f})")
