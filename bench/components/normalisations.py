"""Normalisations: local response normalisation as in the paper, its controls, and batch normalisation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from bench.components.registry import register

NEIGHBOURS, K, ALPHA, BETA = 5, 2.0, 1e-4, 0.75  # Krizhevsky et al. 2012, section 3.3
GREY_LEVELS = 127.5  # the paper's inputs lie in 0..255, ours in -1..1
ALPHA_RESCALED = ALPHA * GREY_LEVELS**2
CONSTANT = K**-BETA  # LRN multiplies small activations by this factor

Place = Literal["lrn", "pre-activation"]


@dataclass(frozen=True)
class Normalisation:
    """A level of the factor `normalisation`, declared by `@normalisation(name, place=...)` on the function `build`.

    Attributes:
        build: Function that makes the module, from the number of channels or units and of spatial dimensions (2 after
            a convolution, 0 after a fully connected layer).
        place: 'lrn', after the activations where the layout has LRN, or 'pre-activation', before every hidden
            activation.
    """

    build: Callable[[int, int], nn.Module]
    place: Place


NORMALISATIONS: dict[str, Normalisation | None] = {"none": None}
normalisation = partial(register, NORMALISATIONS, kind=Normalisation)


def build_normalisation(name: str, place: Place, channels: int, dimensions: int) -> nn.Module | None:
    """Make the module of the level `name` for this place in the network; None if the level has none there."""
    level = NORMALISATIONS[name]
    return level.build(channels, dimensions) if level and level.place == place else None


@normalisation("lrn", place="lrn")
def lrn(channels: int, dimensions: int) -> nn.Module:
    """LRN with the paper's alpha."""
    return LRN(channels)


@normalisation("lrn-rescaled", place="lrn")
def lrn_rescaled(channels: int, dimensions: int) -> nn.Module:
    """LRN with alpha rescaled from 0-255 pixels to inputs in -1..1."""
    return LRN(channels, ALPHA_RESCALED)


@normalisation("constant", place="lrn")
def constant(channels: int, dimensions: int) -> nn.Module:
    """LRN without its neighbours: the control for its scale."""
    return Constant()


@normalisation("batch", place="pre-activation")
def batch(channels: int, dimensions: int) -> nn.Module:
    """Batch normalisation (Ioffe & Szegedy 2015, section 3.2)."""
    return nn.BatchNorm2d(channels) if dimensions else nn.BatchNorm1d(channels)


class _LRNFunction(torch.autograd.Function):
    """Forward and backward pass of LRN.

    Forward: b = a s^-3/4 with s = k + alpha times the sum of a^2 over neighbours, which is a banded 1x1 convolution;
    the power needs two square roots. Backward: g s^-3/4 - 2 beta a band(g a s^-7/4), with alpha in the band, which
    is symmetric.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, band: Tensor, k: Tensor) -> Tensor:
        s = functional.conv2d(a * a, band, k)
        root = s.rsqrt()
        power = root.sqrt().mul_(root)
        ctx.save_for_backward(a, band, s, power)
        return a * power

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        a, band, s, power = ctx.saved_tensors
        scaled = gradient * power
        inner = functional.conv2d((scaled * a).div_(s), band)
        return scaled.addcmul_(inner, a, value=-2 * BETA), None, None


class LRN(nn.Module):
    """Local response normalisation over n = 5 neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    b = a / (2 + alpha * sum of a^2 over the channel and two on either side)^0.75; the sum is truncated at the first and
    last channel. PyTorch divides alpha by n: the paper's layer is `torch.nn.LocalResponseNorm(5, 5e-4, 0.75, 2)`.

    Input and output: (N, C, H, W), float32 or float64.
    """

    band: Tensor
    k: Tensor

    def __init__(self, channels: int, alpha: float = ALPHA) -> None:
        super().__init__()
        self.alpha = alpha
        index = torch.arange(channels)
        are_neighbours = (index[:, None] - index[None, :]).abs() <= NEIGHBOURS // 2
        self.register_buffer("band", are_neighbours.to(torch.get_default_dtype())[:, :, None, None], persistent=False)
        self.register_buffer("k", torch.full((channels,), K), persistent=False)

    def forward(self, a: Tensor) -> Tensor:
        """Return the normalised responses, of the same shape."""
        device, band = a.device.type, self.alpha * self.band
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):  # a sum of squares needs the precision of float32
                return _LRNFunction.apply(a.float(), band, self.k).to(a.dtype)
        return _LRNFunction.apply(a, band, self.k)

    def extra_repr(self) -> str:
        """Return the arguments for the module's repr, which records contain."""
        return f"alpha={self.alpha:g}"


class Constant(nn.Module):
    """Multiplication by 2^-0.75: LRN without its neighbours."""

    def forward(self, a: Tensor) -> Tensor:
        """Return the responses times 2^-0.75."""
        return a * CONSTANT
