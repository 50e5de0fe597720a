"""Activations: the module, the gain of the weights before it, and its elementwise kernel."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from bench.components.registry import register
from bench.spec.config import ModelConfig

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor], None]


@dataclass(frozen=True)
class Activation:
    """A level of the factor `activation`, declared by `@activation(name, gain, ...)` on the function that builds it.

    Attributes:
        build: Make the module for a model.
        gain: Factor of the initial weights before it (He et al. 2015; `torch.nn.init.calculate_gain`).
        kernel: Forward and backward pass on (inputs, gradient, output, input_gradient), all of one shape. It writes
            into the last two, so that a timing measures no autograd and no allocation. None if not elementwise.
        takes_active: Whether `ModelConfig.active` applies to it.
    """

    build: Callable[[ModelConfig], nn.Module]
    gain: float
    kernel: Kernel | None = None
    takes_active: bool = False


ACTIVATIONS: dict[str, Activation] = {}
activation = partial(register, ACTIVATIONS, kind=Activation)


def _relu_kernel(inputs: Tensor, gradient: Tensor, output: Tensor, input_gradient: Tensor) -> None:
    torch.clamp_min(inputs, 0, out=output)
    torch.ops.aten.threshold_backward.grad_input(gradient, output, 0, grad_input=input_gradient)


def _sigmoid_kernel(inputs: Tensor, gradient: Tensor, output: Tensor, input_gradient: Tensor) -> None:
    torch.sigmoid(inputs, out=output)
    torch.ops.aten.sigmoid_backward.grad_input(gradient, output, grad_input=input_gradient)


def _tanh_kernel(inputs: Tensor, gradient: Tensor, output: Tensor, input_gradient: Tensor) -> None:
    torch.tanh(inputs, out=output)
    torch.ops.aten.tanh_backward.grad_input(gradient, output, grad_input=input_gradient)


@activation("relu", gain=math.sqrt(2), kernel=_relu_kernel)
def relu(config: ModelConfig) -> nn.Module:
    """Rectified linear unit (Krizhevsky et al. 2012, section 3.1)."""
    return nn.ReLU(inplace=True)


@activation("tanh", gain=5 / 3, kernel=_tanh_kernel)
def tanh(config: ModelConfig) -> nn.Module:
    """Hyperbolic tangent."""
    return nn.Tanh()


@activation("sigmoid", gain=1.0, kernel=_sigmoid_kernel)
def sigmoid(config: ModelConfig) -> nn.Module:
    """Logistic sigmoid."""
    return nn.Sigmoid()


@activation("k-winners", gain=math.sqrt(2), takes_active=True)
def k_winners(config: ModelConfig) -> nn.Module:
    """K winners take all, with ReLU's gain."""
    return KWinners(config.active)


class KWinners(nn.Module):
    """Keep the largest responses of each image and set the others to zero (Xiao et al. 2020, section 3.1).

    Input and output: (N, units) or (N, channels, H, W); round(active x units) of an image are kept, at least one.
    """

    def __init__(self, active: float) -> None:
        super().__init__()
        self.active = active

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with all but the winners set to zero."""
        channels_last = input.movedim(1, -1)  # matches the memory layout
        flat = channels_last.flatten(1)
        winners = flat.topk(max(1, round(self.active * flat.shape[1])), dim=1, sorted=False).indices
        mask = torch.zeros_like(flat).scatter_(1, winners, 1.0).view(channels_last.shape)
        return input * mask.movedim(-1, 1)

    def extra_repr(self) -> str:
        """Return the arguments for the module's repr, which records contain."""
        return f"active={self.active:g}"
