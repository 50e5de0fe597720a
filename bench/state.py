"""All that changes while a trial runs: what a checkpoint holds, and a recorded GPU graph reads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from bench import augment
from bench.model import AlexNet, generator
from bench.spec import Recipe, Trial


class State:
    """Weights, optimiser, schedule, generators, and how far the trial is.

    epoch: the one that runs, from 1. first: where in its order the next batch begins. total: the epoch's summed loss.
    curve: (step, training accuracy) of every evaluation. flow: what the next point will tell of the gradients.
    step_ms: of the steps that an earlier process timed.
    """

    def __init__(self, trial: Trial, network: AlexNet, steps: int) -> None:
        self.device, self.network = trial.device, network
        self.optimiser = optimiser(network, trial.recipe, trial.device)
        self.schedule = _schedule(self.optimiser, trial.recipe, steps)
        self.order, self.augmentation = generator(trial.seed, "order"), generator(trial.seed, "augmentation")
        torch.manual_seed(trial.seed)  # serves dropout masks alone
        self.began = self.order.get_state(), self.augmentation.get_state()
        self.total = torch.zeros((), device=trial.device)
        self.epoch, self.first = 1, 0
        self.curve: list[tuple[int, float]] = []
        self.flow: dict[str, float] = {}
        self.step_ms: list[float] = []

    def begin(self, epoch: int, images: int) -> tuple[Tensor, Tensor]:
        """The epoch's order of the images, and its draws."""
        self.epoch, self.began = epoch, (self.order.get_state(), self.augmentation.get_state())
        if self.first == 0:
            self.total.zero_()
        order = torch.randperm(images, generator=self.order)
        return order.to(self.device), augment.draws(images, self.augmentation).to(self.device)

    def saved(self) -> dict[str, Any]:
        """Tensors and plain values, which `restore` makes a state of again, bit for bit."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "began": list(self.began),
            "masks": torch.cuda.get_rng_state() if self.device == "cuda" else torch.get_rng_state(),
            **{name: getattr(self, name) for name in ("total", "epoch", "first", "curve", "flow", "step_ms")},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        for group in self.optimiser.param_groups:
            group["lr"] = group["lr"].to(self.device)
        self.schedule.load_state_dict(saved["schedule"])
        self.order.set_state(saved["began"][0])
        self.augmentation.set_state(saved["began"][1])
        (torch.cuda.set_rng_state if self.device == "cuda" else torch.set_rng_state)(saved["masks"])
        self.total.copy_(saved["total"])
        self.epoch, self.first = saved["epoch"], saved["first"]
        self.curve, self.flow, self.step_ms = list(saved["curve"]), dict(saved["flow"]), list(saved["step_ms"])


def optimiser(network: AlexNet, recipe: Recipe, device: str) -> Optimizer:
    """The learning rate is a tensor, and the optimiser counts its steps on the device: a recorded graph reads both."""
    rate = torch.tensor(recipe.learning_rate, device=device)
    decay = recipe.weight_decay
    return Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True, capturable=device == "cuda")


def _schedule(optimiser: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Momentum stays as it is: a recorded graph would not see it change."""
    if recipe.schedule == "constant":
        return LambdaLR(optimiser, lambda step: 1.0)
    return OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps, cycle_momentum=False)
