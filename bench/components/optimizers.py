"""Optimisers of a trial.

The learning rate is a tensor and steps are counted on the device, because a recorded CUDA graph reads both.
"""

from collections.abc import Callable, Iterable

from torch import Tensor, optim
from torch.nn import Parameter
from torch.optim import Optimizer

from bench.components.registry import register

MOMENTUM = 0.9  # Krizhevsky et al. 2012, section 5

OPTIMIZERS: dict[str, Callable[[Iterable[Parameter], Tensor, float, str], Optimizer]] = {}


@register(OPTIMIZERS, "adam")
def adam(parameters: Iterable[Parameter], learning_rate: Tensor, weight_decay: float, device: str) -> Optimizer:
    """Adam (Kingma & Ba 2015, algorithm 1)."""
    return optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True, capturable=device == "cuda")


@register(OPTIMIZERS, "sgd")
def sgd(parameters: Iterable[Parameter], learning_rate: Tensor, weight_decay: float, device: str) -> Optimizer:
    """Stochastic gradient descent with momentum (Krizhevsky et al. 2012, section 5)."""
    return optim.SGD(parameters, lr=learning_rate, momentum=MOMENTUM, weight_decay=weight_decay, fused=True)
