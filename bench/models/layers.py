"""Local response normalisation as the paper has it, the layer that controls for its scale, dropout, full connection and
k winners: all fast."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

NEIGHBOURS, K, ALPHA, BETA = 5, 2.0, 1e-4, 0.75  # Krizhevsky et al. 2012, section 3.3
GREY_LEVELS = 127.5  # of the paper's 0-255 inputs to one unit of ours, which lie in -1..1
ALPHA_RESCALED = ALPHA * GREY_LEVELS**2
LEVELS = 2**16  # of a quarter of a random word
CONSTANT = K**-BETA  # what the layer amounts to where the activations are small


class _Normalise(torch.autograd.Function):
    """Forward b = a s^-3/4 with s = k + alpha times the sum of a^2 over neighbours, which is a banded 1x1 convolution.

    The power needs two square roots; the backward pass is g s^-3/4 - 2 beta a band(g a s^-7/4), with alpha in the band,
    since the band is symmetric.
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

    b = a / (2 + alpha * sum of a^2 over the channel and two on either side)^0.75, the sum cut off at the first and last
    channel. PyTorch divides alpha by n: the paper's layer is `torch.nn.LocalResponseNorm(5, 5e-4, 0.75, 2)`.

    Input and output: (N, C, H, W), float32 or float64.
    """

    band: Tensor
    k: Tensor

    def __init__(self, channels: int, alpha: float = ALPHA) -> None:
        super().__init__()
        self.alpha = alpha
        index = torch.arange(channels)
        near = (index[:, None] - index[None, :]).abs() <= NEIGHBOURS // 2
        self.register_buffer("band", near.to(torch.get_default_dtype())[:, :, None, None], persistent=False)
        self.register_buffer("k", torch.full((channels,), K), persistent=False)

    def forward(self, a: Tensor) -> Tensor:
        device, band = a.device.type, self.alpha * self.band
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):  # a sum of squares needs float32's precision
                return _Normalise.apply(a.float(), band, self.k)
        return _Normalise.apply(a, band, self.k)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha:g}"


class Constant(nn.Module):
    """Multiplies by 2^-0.75: LRN without its neighbours."""

    def forward(self, a: Tensor) -> Tensor:
        return a * CONSTANT


class KWinners(nn.Module):
    """Keeps an image's largest responses and sets the others to zero, so that the share of active units is given (Xiao,
    Zhong & Zheng 2020, section 3.1: k-winners-take-all).

    Input and output: (N, units) or (N, channels, H, W); round(active x units) of an image are kept, at least one.
    """

    def __init__(self, active: float) -> None:
        super().__init__()
        self.active = active

    def forward(self, input: Tensor) -> Tensor:
        last = input.movedim(1, -1)  # as it lies in memory
        flat = last.flatten(1)
        winners = flat.topk(max(1, round(self.active * flat.shape[1])), dim=1, sorted=False).indices
        kept = torch.zeros_like(flat).scatter_(1, winners, 1.0).view(last.shape)
        return input * kept.movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"active={self.active:g}"


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014, section 4) whose masks take a quarter of a random word a unit on a CPU, where
    torch draws each by itself and takes five times as long.

    There p is rounded to a multiple of 2^-16, and the kept units are scaled by what it then is. Masks come from torch's
    global generator.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and input.is_cpu):
            return super().forward(input)
        bits = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        threshold = round(self.p * LEVELS)
        kept = bits.view(torch.int16)[: input.numel()].view(input.shape) >= threshold - LEVELS // 2
        return input * kept.to(input.dtype).mul_(LEVELS / (LEVELS - threshold))


class _Connect(torch.autograd.Function):
    """y = x W' + b and its gradients by oneDNN, which takes transposed operands as they lie."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        to_input = _product(gradient, weight.t()) if ctx.needs_input_grad[0] else None
        return to_input, _product(gradient.t(), x.t()), gradient.sum(0)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """(B, I), (O, I) and (O,) to (B, O): the kernel that torch's compiler takes."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class Linear(nn.Linear):
    """torch's fully connected layer, by oneDNN on a CPU that has it: torch takes MKL there, which is up to a quarter
    slower on processors that are not Intel's. Input: (N, inputs); output: (N, outputs).

    Weights are whatever was there until somebody sets them: torch's own initial ones, which `build` writes over, are
    half of the time that it takes.
    """

    def reset_parameters(self) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        plain = input.is_cpu and input.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if plain and torch.backends.mkldnn.is_available():
            return _Connect.apply(input, self.weight, self.bias)
        return super().forward(input)
