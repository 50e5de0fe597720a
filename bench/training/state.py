"""All that changes while a trial runs: what a checkpoint holds, and a recorded GPU graph reads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from bench.components import augmentations
from bench.models.alexnet import AlexNet, generator
from bench.spec.config import TrainConfig
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE, ProcessGroup

MOMENTUM = 0.9  # of SGD (Krizhevsky et al. 2012, section 5)
PATIENCE = 4  # epochs without a better validation accuracy, then the rate is divided by ten
TIMES = 3  # that it is divided


class State:
    """Weights, optimiser, schedule, generators, and how far the trial is.

    epoch: the one that runs, from 1. first: where in its order the next batch begins. total: the epoch's summed loss.
    curve: (step, training accuracy) of every evaluation. flow: what the next point will tell of the gradients.
    step_ms: of the steps that an earlier process timed.
    """

    def __init__(self, trial: Trial, network: AlexNet, steps: int, ranks: ProcessGroup = SINGLE) -> None:
        self.device, self.network, self.seed, self.ranks = trial.device, network, trial.seed, ranks
        self.optimiser = optimiser(network, trial.recipe, trial.device)
        self.schedule = _schedule(self.optimiser, trial.recipe, steps)
        colours = trial.recipe.augmentation in augmentations.COLOURS
        streams = "order", "augmentation", *["colour"] * colours
        self.generators = [generator(trial.seed, stream) for stream in streams]
        self.epoch, self.first = 1, 0
        torch.manual_seed(self._masks() if ranks.rank else trial.seed)  # serves dropout masks alone
        self.began = [one.get_state() for one in self.generators]
        self.total = torch.zeros((), device=trial.device)
        self.curve: list[tuple[int, float]] = []
        self.flow: dict[str, float] = {}
        self.step_ms: list[float] = []

    def begin(self, epoch: int, images: int) -> tuple[Tensor, Tensor]:
        """The epoch's order of the images, and its draws."""
        self.epoch, self.began = epoch, [one.get_state() for one in self.generators]
        if self.first == 0:
            self.total.zero_()
        order, *augmentation = self.generators
        shuffled = torch.randperm(images, generator=order)
        return shuffled.to(self.device), augmentations.draws(images, *augmentation).to(self.device)

    @property
    def watches(self) -> bool:
        """Whether the rate depends on validation."""
        return isinstance(self.schedule, ReduceLROnPlateau)

    def advance(self) -> None:
        """Behind a step."""
        if not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()

    def settle(self, accuracy: float) -> None:
        """Behind an epoch, where the rate depends on validation."""
        self.schedule.step(accuracy)  # type: ignore[arg-type]

    def _masks(self) -> int:
        """A seed for this process's own masks, from where it begins: what is saved is the first process's."""
        place = f"masks of process {self.ranks.rank} from epoch {self.epoch}, image {self.first}"
        return generator(self.seed, place).initial_seed()

    def saved(self) -> dict[str, Any]:
        """Tensors and plain values, which `restore` makes a state of again, bit for bit."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "began": self.began,
            "masks": torch.cuda.get_rng_state() if self.device == "cuda" else torch.get_rng_state(),
            **{name: getattr(self, name) for name in ("total", "epoch", "first", "curve", "flow", "step_ms")},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        for group in self.optimiser.param_groups:
            group["lr"] = group["lr"].to(self.device)
        self.schedule.load_state_dict(saved["schedule"])
        for one, state in zip(self.generators, saved["began"], strict=True):
            one.set_state(state)
        self.total.copy_(saved["total"])  # the first process's part, which stands for each other's too
        self.epoch, self.first = saved["epoch"], saved["first"]
        if self.ranks.rank:
            torch.manual_seed(self._masks())
        else:
            (torch.cuda.set_rng_state if self.device == "cuda" else torch.set_rng_state)(saved["masks"])
        self.curve, self.flow, self.step_ms = list(saved["curve"]), dict(saved["flow"]), list(saved["step_ms"])


def optimiser(network: AlexNet, recipe: TrainConfig, device: str) -> Optimizer:
    """The learning rate is a tensor, and the optimiser counts its steps on the device: a recorded graph reads both."""
    rate = torch.tensor(recipe.learning_rate, device=device)
    decay = recipe.weight_decay
    if recipe.optimiser == "sgd":
        return SGD(network.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=decay, fused=True)
    return Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True, capturable=device == "cuda")


def _schedule(optimiser: Optimizer, recipe: TrainConfig, steps: int) -> LRScheduler | ReduceLROnPlateau:
    """Momentum stays as it is: a recorded graph would not see it change."""
    if recipe.schedule == "plateau":
        least = recipe.learning_rate * 0.1**TIMES
        return ReduceLROnPlateau(optimiser, "max", 0.1, PATIENCE, threshold=0, min_lr=least)
    if recipe.schedule == "constant":
        return LambdaLR(optimiser, lambda step: 1.0)
    return OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps, cycle_momentum=False)
