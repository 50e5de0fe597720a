"""Dropout and the fully connected layer, faster than torch's on a CPU."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEVELS = 2**16  # number of values of 16 bits; a random word of 64 bits serves four units


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014, section 4) with 16 random bits a unit on a CPU.

    torch draws a whole word for each unit and takes five times as long. Here p is rounded to a multiple of 2^-16, and
    kept units are scaled by the rounded value. Masks come from torch's global generator.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with a random part of the units set to zero, while training."""
        if not (self.training and input.is_cpu):
            return super().forward(input)
        bits = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        threshold = round(self.p * LEVELS)
        mask = bits.view(torch.int16)[: input.numel()].view(input.shape) >= threshold - LEVELS // 2
        return input * mask.to(input.dtype).mul_(LEVELS / (LEVELS - threshold))


class Linear(nn.Linear):
    """Fully connected layer that uses oneDNN on a CPU, input (N, inputs), output (N, outputs).

    torch.nn.Linear uses MKL, which is up to a quarter slower on processors other than Intel's. Weights stay
    uninitialised until `build` fills them, because torch's initialisation is half of the time that building takes.
    """

    def reset_parameters(self) -> None:
        """Leave the weights uninitialised."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the outputs."""
        is_supported = input.is_cpu and input.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if is_supported and _onednn_product is not None:
            return _OneDNNLinear.apply(input, self.weight, self.bias)
        return super().forward(input)


class _OneDNNLinear(torch.autograd.Function):
    """y = x W' + b and its gradients by oneDNN, which takes transposed operands without a copy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        input_gradient = _product(gradient, weight.t()) if ctx.needs_input_grad[0] else None
        return input_gradient, _product(gradient.t(), x.t()), gradient.sum(0)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Matrix product x W' + b, (B, O), of x (B, I), weight (O, I) and bias (O,)."""
    return _onednn_product(x, weight, bias, "none", [], "")


def _find_onednn_product() -> Any:
    """Return oneDNN's matrix product, a private operator of torch's compiler; None if this torch lacks it."""
    operators = torch.ops.mkldnn if torch.backends.mkldnn.is_available() else None
    return getattr(operators, "_linear_pointwise", None)


_onednn_product = _find_onednn_product()
