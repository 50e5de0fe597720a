"""Everything that changes while a trial runs, as checkpoints store it and recorded CUDA graphs read it."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from bench.components.augmentations import AUGMENTATIONS, draw_epoch
from bench.components.optimizers import OPTIMIZERS
from bench.components.schedules import SCHEDULES
from bench.models.network import Network
from bench.spec.config import TrainConfig
from bench.spec.jobs import Trial
from bench.spec.seeding import stream_seed
from bench.system.process_group import SINGLE, ProcessGroup


class State:
    """Weights, optimiser, schedule, random generators, and progress of a trial.

    Attributes:
        epoch: The current epoch, from 1.
        first: Index in the epoch's order at which the next batch begins.
        total_loss: Scalar, the sum of the losses of the epoch's steps.
        curve: (step, training accuracy) of every evaluation.
        gradient_flow: Gradient metrics that the next point will hold.
        epoch_start: States of the generators when the epoch began.
        step_ms: Times of the steps that an earlier process took, in milliseconds.
    """

    def __init__(self, trial: Trial, network: Network, steps: int, group: ProcessGroup = SINGLE) -> None:
        self.device, self.network, self.seed, self.group = trial.device, network, trial.seed, group
        self.optimizer = build_optimizer(network, trial.recipe, trial.device)
        self.schedule = SCHEDULES[trial.recipe.schedule](self.optimizer, trial.recipe, steps)
        self.augmentation = AUGMENTATIONS[trial.recipe.augmentation]
        streams = ("order", "augmentation", "colour")  # the last one is for all normal draws
        self.generators = [torch.Generator().manual_seed(stream_seed(self.seed, stream)) for stream in streams]
        self.epoch, self.first = 1, 0
        torch.manual_seed(self._mask_seed() if group.rank else trial.seed)  # used for dropout masks only
        self.total_loss = torch.zeros((), device=trial.device)
        self.curve: list[tuple[int, float]] = []
        self.gradient_flow: dict[str, float] = {}
        self.step_ms: list[float] = []

    def begin(self, epoch: int, images: int) -> tuple[Tensor, Tensor]:
        """Begin an epoch; return its order of the images, (images,), and its draws, (images, draws of an image)."""
        self.epoch, self.epoch_start = epoch, [generator.get_state() for generator in self.generators]
        if self.first == 0:
            self.total_loss.zero_()
        order, uniform, normal = self.generators
        shuffled = torch.randperm(images, generator=order)
        return shuffled.to(self.device), draw_epoch(images, self.augmentation, uniform, normal).to(self.device)

    @property
    def watches_validation(self) -> bool:
        """Whether the learning rate depends on validation accuracy."""
        return isinstance(self.schedule, ReduceLROnPlateau)

    def end_step(self) -> None:
        """Advance a schedule that depends on the number of steps."""
        if not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()

    def end_epoch(self, validation_accuracy: float) -> None:
        """Advance a schedule that depends on validation accuracy."""
        self.schedule.step(validation_accuracy)  # type: ignore[arg-type]

    def saved(self) -> dict[str, Any]:
        """Return tensors and plain values from which `restore` rebuilds the state, bit for bit."""
        return {
            "network": self.network.module.state_dict(),
            "optimiser": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "began": self.epoch_start,
            "masks": torch.cuda.get_rng_state() if self.device == "cuda" else torch.get_rng_state(),
            "total": self.total_loss,
            "flow": self.gradient_flow,
            **{name: getattr(self, name) for name in ("epoch", "first", "curve", "step_ms")},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore a saved state; every process takes the total loss of the first one."""
        self.network.module.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimiser"])
        for group in self.optimizer.param_groups:
            group["lr"] = group["lr"].to(self.device)
        self.schedule.load_state_dict(saved["schedule"])
        for generator, state in zip(self.generators, saved["began"], strict=False):  # older states lack the last
            generator.set_state(state)
        self.total_loss.copy_(saved["total"])
        self.epoch, self.first = saved["epoch"], saved["first"]
        if self.group.rank:
            torch.manual_seed(self._mask_seed())
        else:
            (torch.cuda.set_rng_state if self.device == "cuda" else torch.set_rng_state)(saved["masks"])
        self.curve, self.gradient_flow = list(saved["curve"]), dict(saved["flow"])
        self.step_ms = list(saved["step_ms"])

    def _mask_seed(self) -> int:
        """Seed of this process's dropout masks; a saved state holds the generator of the first process only."""
        return stream_seed(self.seed, f"masks of process {self.group.rank} from epoch {self.epoch}, image {self.first}")


def build_optimizer(network: Network, recipe: TrainConfig, device: str) -> Optimizer:
    """Build a recipe's optimiser; its learning rate is a tensor on the device."""
    learning_rate = torch.tensor(recipe.learning_rate, device=device)
    return OPTIMIZERS[recipe.optimiser](network.parameters(), learning_rate, recipe.weight_decay, device)
