"""Augmentations of whole batches at once, from draws that are made once an epoch.

The draws are uniform numbers, the same for every arm of a seed: switching mirroring on leaves the crops alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor
from torch.nn import functional

MIRRORS = ("mirror", "both", "document", "paper")
CROPS = ("crop", "both", "document", "paper")
RESIZES = ("resized", "document")
COLOURS = ("paper",)

AREA, ASPECT, TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10  # torchvision.transforms.RandomResizedCrop's
DRAWS = 5 + 2 * TRIES  # an image's: mirror; row and column of the crop, then of the window; the tries' area and aspect

# Red, green and blue along the principal components of ImageNet's pixels, 0..1, times their standard deviations: those
# of fb.resnet.torch (datasets/imagenet.lua). A shift has a tenth of them (Krizhevsky et al. 2012, section 4.1).
COMPONENTS = (
    (-0.5675 * 0.2175, 0.7192 * 0.0188, 0.4009 * 0.0045),
    (-0.5808 * 0.2175, -0.0045 * 0.0188, -0.8140 * 0.0045),
    (-0.5836 * 0.2175, -0.6948 * 0.0188, 0.4203 * 0.0045),
)
SHIFT = 0.1


def columns(augmentation: str) -> int:
    """Draws of an image: three more where colours shift."""
    return DRAWS + 3 * (augmentation in COLOURS)


def draws(images: int, generator: Generator, colour: Generator | None = None) -> Tensor:
    """(images, DRAWS) float32, uniform in [0, 1); behind them three standard normal ones where colours shift."""
    uniform = torch.rand(images, DRAWS, generator=generator)
    return uniform if colour is None else torch.cat((uniform, torch.randn(images, 3, generator=colour)), dim=1)


def batch(canvas: Tensor, index: Tensor, draw: Tensor, augmentation: str, size: int, pad: int) -> Tensor:
    """Augmented and normalised images.

    canvas: (N, C, C, 3) uint8, all images, with `pad` black pixels on each side. index: (B,) which images to take.
    draw: (B, DRAWS). Returns (B, 3, size, size) float32 in -1..1, channels last in memory.
    'document' is the article's: mirror, crop to size + 4, then a resized crop of that. 'paper' is both, and colours
    that shift along their principal components (Krizhevsky et al. 2012, section 4.1).
    """
    if augmentation in RESIZES:
        side = canvas.shape[1]
        within = min(size + 4, side) if augmentation in CROPS else side - 2 * pad
        corner = _offsets(draw[:, 1:3], side - within) if augmentation in CROPS else torch.full_like(draw[:, 1:3], pad)
        return _resized(canvas, index, draw, corner, within, size, augmentation in MIRRORS)
    margin = canvas.shape[1] - size
    corner = _offsets(draw[:, 1:3], margin) if augmentation in CROPS else torch.full_like(draw[:, 1:3], margin // 2)
    mirror = draw[:, 0] < 0.5 if augmentation in MIRRORS else torch.zeros_like(draw[:, 0], dtype=torch.bool)
    images = normalised(_window(canvas, index, corner.long(), mirror, size))
    return images.add_(_shift(draw[:, DRAWS:])) if augmentation in COLOURS else images


def _shift(draw: Tensor) -> Tensor:
    """(B, 3, 1, 1): what each colour of an image is moved by, where pixels lie in -1..1. draw: (B, 3)."""
    first, second, third = draw.unbind(1)
    colours = [first * a + second * b + third * c for a, b, c in COMPONENTS]
    return torch.stack(colours, dim=1).mul_(2 * SHIFT)[:, :, None, None]


def centre(canvas: Tensor, size: int) -> Tensor:
    """The middle of each image, as evaluation sees it: (N, C, C, 3) uint8 to (N, 3, size, size) float32."""
    edge = (canvas.shape[1] - size) // 2
    return normalised(canvas[:, edge : edge + size, edge : edge + size])


def windows(canvas: Tensor, size: int) -> Iterator[Tensor]:
    """The middle of each image, then the corners, then all five mirrored: ten times (N, 3, size, size) float32."""
    far = canvas.shape[1] - size
    places = ((far // 2, far // 2), (0, 0), (0, far), (far, 0), (far, far))
    cut = [canvas[:, top : top + size, left : left + size] for top, left in places]
    yield from (normalised(window) for window in (*cut, *(window.flip(2) for window in cut)))


def normalised(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32: mean and deviation 0.5, as the document's; channels last."""
    return pixels.to(torch.float32).mul_(2 / 255).sub_(1).permute(0, 3, 1, 2)


def _offsets(draw: Tensor, margin: int | Tensor) -> Tensor:
    """Uniform whole offsets 0..margin, both included."""
    return (draw * (margin + 1)).floor()


def _window(canvas: Tensor, index: Tensor, corner: Tensor, mirror: Tensor, size: int) -> Tensor:
    """(B, size, size, 3) uint8, one window an image, some of them mirrored, by a single gather. The canvas can be the
    middle of a larger one: what counts is how its pixels lie in memory."""
    (images, side), steps = canvas.shape[:2], torch.arange(size, device=canvas.device)
    apart, below = canvas.stride(0) // 3, canvas.stride(1) // 3  # pixels from image to image, and from row to row
    pixels = canvas.as_strided(((images - 1) * apart + (side - 1) * below + side, 3), (3, 1))
    rows = corner[:, 0, None] + steps
    columns = corner[:, 1, None] + torch.where(mirror[:, None], steps.flip(0), steps)
    places = (index * apart)[:, None, None] + rows[:, :, None] * below + columns[:, None, :]
    return pixels.index_select(0, places.view(-1)).view(len(index), size, size, 3)


def _resized(
    canvas: Tensor, index: Tensor, draw: Tensor, corner: Tensor, within: int, size: int, mirror: bool
) -> Tensor:
    """Windows of random area and aspect inside the square `within` at `corner`, resized bilinearly to `size`."""
    height, width = _extent(draw[:, 5:DRAWS], within)
    top = corner[:, 0] + _offsets(draw[:, 3], within - height)
    left = corner[:, 1] + _offsets(draw[:, 4], within - width)
    side = canvas.shape[1]
    step = (torch.arange(size, device=canvas.device) + 0.5) / size
    y = (top[:, None] + _places(step, height)) * (2 / side) - 1
    x = (left[:, None] + _places(step, width)) * (2 / side) - 1
    if mirror:
        x = torch.where((draw[:, 0] < 0.5)[:, None], x.flip(1), x)
    grid = torch.stack((x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)), dim=-1)
    images = normalised(canvas[index])
    resized = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return resized.contiguous(memory_format=torch.channels_last)


def _places(step: Tensor, extent: Tensor) -> Tensor:
    """Where a window of each extent is sampled, (B, size): never beyond its outermost pixels' centres, so that what
    lies outside the window does not show."""
    extent = extent[:, None]
    return torch.minimum((step * extent).clamp(min=0.5), extent - 0.5)


def _extent(draw: Tensor, within: int) -> tuple[Tensor, Tensor]:
    """Whole heights and widths, (B,) each: the first of ten tries that fits, else the whole square."""
    area = within**2 * (AREA[0] + draw[:, :TRIES] * (AREA[1] - AREA[0]))
    aspect = torch.exp(math.log(ASPECT[0]) + draw[:, TRIES:] * math.log(ASPECT[1] / ASPECT[0]))
    widths, heights = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (widths >= 1) & (heights >= 1) & (widths <= within) & (heights <= within)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    whole = torch.full_like(draw[:, 0], within)
    none = ~fits.any(dim=1)
    return (
        torch.where(none, whole, heights.gather(1, first)[:, 0]),
        torch.where(none, whole, widths.gather(1, first)[:, 0]),
    )
