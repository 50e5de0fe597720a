"""Inputs: the scale on which a network sees its images, which arrive in -1..1.

A level is a function that makes the network's first module, or None where the images enter as they are.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.components.normalisations import GREY_LEVELS
from bench.components.registry import register

INPUTS: dict[str, Callable[[], nn.Module | None]] = {}


@register(INPUTS, "scaled")
def scaled() -> None:
    """Images in -1..1."""
    return None


@register(INPUTS, "pixels")
def pixels() -> nn.Module:
    """Pixels on their 0-255 scale, less the training images' mean (Krizhevsky et al. 2012, section 2)."""
    return MeanSubtraction()


class MeanSubtraction(nn.Module):
    """Rescale images to pixels and subtract a mean.

    Input and output: (N, 3, H, W) float32; the input lies in -1..1.

    Attributes:
        mean: (1, 3, 1, 1), mean of each colour over the training images, 0..255. It is stored with the weights.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), GREY_LEVELS))

    def forward(self, images: Tensor) -> Tensor:
        """Return the pixels less their mean."""
        return images * GREY_LEVELS + (GREY_LEVELS - self.mean)
