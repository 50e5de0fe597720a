"""Schedules of the learning rate.

No schedule changes the momentum, because a recorded CUDA graph would not see the change.
"""

from collections.abc import Callable

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from bench.components.registry import register
from bench.spec.config import TrainConfig

PATIENCE_EPOCHS = 4  # epochs without a better validation accuracy before the rate is divided by ten
MAX_DIVISIONS = 3

Schedule = LRScheduler | ReduceLROnPlateau
SCHEDULES: dict[str, Callable[[Optimizer, TrainConfig, int], Schedule]] = {}


@register(SCHEDULES, "one-cycle")
def one_cycle(optimizer: Optimizer, recipe: TrainConfig, steps: int) -> Schedule:
    """One cycle (Smith & Topin 2019, section 3)."""
    return lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.epochs * steps, cycle_momentum=False)


@register(SCHEDULES, "constant")
def constant(optimizer: Optimizer, recipe: TrainConfig, steps: int) -> Schedule:
    """The same rate throughout."""
    return lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


@register(SCHEDULES, "plateau")
def plateau(optimizer: Optimizer, recipe: TrainConfig, steps: int) -> Schedule:
    """Division by ten when validation accuracy stalls (Krizhevsky et al. 2012, section 5, did so by hand)."""
    least = recipe.learning_rate * 0.1**MAX_DIVISIONS
    return ReduceLROnPlateau(optimizer, "max", 0.1, PATIENCE_EPOCHS, threshold=0, min_lr=least)
