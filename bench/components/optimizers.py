"""Optimisers of a trial.

The learning rate is a tensor and steps are counted on the device, because a recorded CUDA graph reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor
from torch.nn import Parameter
from torch.optim import SGD, Adam, Optimizer

from bench.components.registry import register

MOMENTUM = 0.9  # of SGD (Krizhevsky et al. 2012, section 5)

BuildOptimizer = Callable[[Iterable[Parameter], Tensor, float, str], Optimizer]
OPTIMIZERS: dict[str, BuildOptimizer] = {}


def optimizer(name: str) -> Callable[[BuildOptimizer], BuildOptimizer]:
    """Declare a level of the factor `optimiser`: a function of parameters, learning rate, weight decay and device."""
    return register(OPTIMIZERS, name)


@optimizer("adam")
def adam(parameters: Iterable[Parameter], learning_rate: Tensor, weight_decay: float, device: str) -> Optimizer:
    """Adam (Kingma & Ba 2015, algorithm 1)."""
    return Adam(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True, capturable=device == "cuda")


@optimizer("sgd")
def sgd(parameters: Iterable[Parameter], learning_rate: Tensor, weight_decay: float, device: str) -> Optimizer:
    """Stochastic gradient descent with momentum (Krizhevsky et al. 2012, section 5)."""
    return SGD(parameters, lr=learning_rate, momentum=MOMENTUM, weight_decay=weight_decay, fused=True)
