"""Augmentations of whole batches at once, from random numbers that are drawn once per epoch.

The draws are uniform numbers, the same for every arm of a seed: switching mirroring on leaves the crops alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from bench.components.registry import register
from bench.components.windows import gather_windows, normalised

AREA, ASPECT, TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10  # defaults of torchvision.transforms.RandomResizedCrop
DRAWS = 5 + 2 * TRIES  # per image: mirror; row and column of the crop, then of the window; area and aspect per try

# Principal components of the colours of ImageNet's pixels, 0..1, times their standard deviations; the numbers are those
# of fb.resnet.torch (datasets/imagenet.lua). A shift is scaled by 0.1 (Krizhevsky et al. 2012, section 4.1).
COMPONENTS = (
    (-0.5675 * 0.2175, 0.7192 * 0.0188, 0.4009 * 0.0045),
    (-0.5808 * 0.2175, -0.0045 * 0.0188, -0.8140 * 0.0045),
    (-0.5836 * 0.2175, -0.6948 * 0.0188, 0.4203 * 0.0045),
)
SHIFT = 0.1


@dataclass(frozen=True)
class Batch:
    """Images to augment.

    Attributes:
        canvas: (N, C, C, 3) uint8, all images, with `pad` black pixels on each side.
        index: (B,) int64, the images to take.
        draws: (B, DRAWS) float32, uniform in [0, 1); followed by standard normal ones if the level declares some.
        size: Side of an augmented image, pixels.
        pad: Pixels.
    """

    canvas: Tensor
    index: Tensor
    draws: Tensor
    size: int
    pad: int


class Augmentation(NamedTuple):
    """A level of the factor `augmentation`, declared by `@augmentation(name, ...)` on the function `apply`.

    Attributes:
        apply: Function of a batch that returns (B, 3, size, size) float32 in -1..1, channels last in memory.
        normal_draws: Number of standard normal draws per image.
    """

    apply: Callable[[Batch], Tensor]
    normal_draws: int = 0

    @property
    def draws(self) -> int:
        """Number of draws per image, uniform and normal."""
        return DRAWS + self.normal_draws


AUGMENTATIONS: dict[str, Augmentation] = {}
augmentation = partial(register, AUGMENTATIONS, kind=Augmentation)


def draw_epoch(images: int, level: Augmentation, uniform: Generator, normal: Generator) -> Tensor:
    """Draw the random numbers for an epoch's augmentation: (images, level.draws) float32.

    The uniform numbers come first, then the normal ones.
    """
    draws = torch.rand(images, DRAWS, generator=uniform)
    if not level.normal_draws:
        return draws
    return torch.cat((draws, torch.randn(images, level.normal_draws, generator=normal)), dim=1)


@augmentation("none")
def none(batch: Batch) -> Tensor:
    """The middle of each image."""
    return _crop(batch, random=False, mirror=False)


@augmentation("mirror")
def mirror(batch: Batch) -> Tensor:
    """The middle, mirrored half of the time."""
    return _crop(batch, random=False, mirror=True)


@augmentation("crop")
def crop(batch: Batch) -> Tensor:
    """A window anywhere in the padded image."""
    return _crop(batch, random=True, mirror=False)


@augmentation("resized")
def resized(batch: Batch) -> Tensor:
    """A resized crop of the image without its padding."""
    corner = torch.full_like(batch.draws[:, 1:3], batch.pad)
    return _resized(batch, corner, batch.canvas.shape[1] - 2 * batch.pad, mirror=False)


@augmentation("both")
def both(batch: Batch) -> Tensor:
    """Mirror and crop (Krizhevsky et al. 2012, section 4.1)."""
    return _crop(batch, random=True, mirror=True)


@augmentation("document")
def document(batch: Batch) -> Tensor:
    """The article's augmentation: mirror, crop to size + 4, then a resized crop of the result."""
    side = batch.canvas.shape[1]
    within = min(batch.size + 4, side)
    return _resized(batch, _offsets(batch.draws[:, 1:3], side - within), within, mirror=True)


@augmentation("paper", normal_draws=3)
def paper(batch: Batch) -> Tensor:
    """Mirror, crop, and colours shifted along their principal components (Krizhevsky et al. 2012, section 4.1)."""
    first, second, third = batch.draws[:, DRAWS:].unbind(1)
    shifts = torch.stack([first * a + second * b + third * c for a, b, c in COMPONENTS], dim=1).mul_(2 * SHIFT)
    return both(batch).add_(shifts[:, :, None, None])


def _crop(batch: Batch, random: bool, mirror: bool) -> Tensor:
    """A window of each image at a random place or in the middle, mirrored half of the time or never."""
    margin, draws = batch.canvas.shape[1] - batch.size, batch.draws
    corner = _offsets(draws[:, 1:3], margin) if random else torch.full_like(draws[:, 1:3], margin // 2)
    mirrored = draws[:, 0] < 0.5 if mirror else torch.zeros_like(draws[:, 0], dtype=torch.bool)
    return normalised(gather_windows(batch.canvas, batch.index, corner.long(), mirrored, batch.size))


def _offsets(draw: Tensor, margin: int | Tensor) -> Tensor:
    """Uniform integer offsets 0..margin, both included."""
    return (draw * (margin + 1)).floor()


def _resized(batch: Batch, corner: Tensor, within: int, mirror: bool) -> Tensor:
    """Windows of random area and aspect inside the square `within` at `corner`, resized bilinearly."""
    draws, side, size = batch.draws, batch.canvas.shape[1], batch.size
    height, width = _extent(draws[:, 5:DRAWS], within)
    top = corner[:, 0] + _offsets(draws[:, 3], within - height)
    left = corner[:, 1] + _offsets(draws[:, 4], within - width)
    step = (torch.arange(size, device=batch.canvas.device) + 0.5) / size
    y = (top[:, None] + _sample_positions(step, height)) * (2 / side) - 1
    x = (left[:, None] + _sample_positions(step, width)) * (2 / side) - 1
    if mirror:
        x = torch.where((draws[:, 0] < 0.5)[:, None], x.flip(1), x)
    grid = torch.stack((x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)), dim=-1)
    images = normalised(batch.canvas[batch.index])
    output = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return output.contiguous(memory_format=torch.channels_last)


def _sample_positions(step: Tensor, extent: Tensor) -> Tensor:
    """Positions, in pixels, at which a window of each extent is sampled: (B, size).

    They lie between the centres of the outermost pixels, so that nothing outside the window is sampled.
    """
    extent = extent[:, None]
    return torch.minimum((step * extent).clamp(min=0.5), extent - 0.5)


def _extent(draw: Tensor, within: int) -> tuple[Tensor, Tensor]:
    """Integer heights and widths, (B,) each: the first of ten tries that fits, else the whole square."""
    area = within**2 * (AREA[0] + draw[:, :TRIES] * (AREA[1] - AREA[0]))
    aspect = torch.exp(math.log(ASPECT[0]) + draw[:, TRIES:] * math.log(ASPECT[1] / ASPECT[0]))
    widths, heights = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (widths >= 1) & (heights >= 1) & (widths <= within) & (heights <= within)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    height, width = (tries.gather(1, first)[:, 0] for tries in (heights, widths))
    return torch.where(fits.any(dim=1), height, within), torch.where(fits.any(dim=1), width, within)
