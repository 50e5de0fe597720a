"""One step on random images, before a run, of what a study file declares: each mistake in it is one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves

from bench.components.augmentations import AUGMENTATIONS, DRAWS, Batch
from bench.components.losses import LOSSES
from bench.components.networks import input_shape
from bench.components.schedules import SCHEDULES
from bench.metrics.registry import IMAGE_METRICS
from bench.models.network import build
from bench.models.user_error import explain_user_error
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial
from bench.spec.qualified_names import plain_name
from bench.training.state import build_optimizer

IMAGES = 4
KEPT = {"defaults", "state", "param_groups"}  # what torch's optimisers keep; a checkpoint holds the latter two


def check_components(trial: Trial) -> None:
    """Build a trial's network, take one step of its recipe, and measure its own metrics, on random images.

    Raises:
        InputError: A component fails, or returns something else than it must.
    """
    _check(trial.model, trial.recipe, trial.metrics)


@cache
def _check(model: ModelConfig, recipe: TrainConfig, metrics: tuple[str, ...]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        batch, labels = _make_batch(model, recipe), torch.arange(IMAGES) % model.classes
        with _explain("the network"):
            network = build(model, 0).train()
        with _explain("augmentation", recipe.augmentation) as subject:
            images = AUGMENTATIONS[recipe.augmentation].apply(batch)
            _check_tensor(subject, images, (IMAGES, 3, batch.size, batch.size))
        with _explain("the network's forward pass"):
            logits = network(images)
            _check_tensor("the network", logits, (IMAGES, model.classes))
        with _explain("loss", recipe.loss) as subject:
            loss = LOSSES[recipe.loss](logits, labels)
            _check_tensor(subject, loss, ())
        with _explain("the backward pass"):
            loss.backward()
        with _explain("optimiser", recipe.optimiser) as subject:
            optimizer = build_optimizer(network, recipe, "cpu")
            earlier_values = _own_values(optimizer)
            optimizer.step()
            _check_state(subject, earlier_values, _own_values(optimizer))
        with _explain("schedule", recipe.schedule):
            SCHEDULES[recipe.schedule](optimizer, recipe, 1)
        for name in metrics:
            with _explain("metric", name) as subject, torch.no_grad():
                _check_tensor(subject, IMAGE_METRICS[name](network.eval(), images, labels), (IMAGES,))


def _own_values(optimizer: Optimizer) -> dict[str, list[str]]:
    """Return numbers and tensors that an optimiser keeps as attributes of its own, as text; parameters are left out."""
    return {
        name: [
            repr(leaf)
            for leaf in tree_leaves(value)
            if isinstance(leaf, int | float | Tensor) and not isinstance(leaf, bool | nn.Parameter)
        ]
        for name, value in vars(optimizer).items()
        if name not in KEPT and not name.startswith("_")
    }


def _check_state(subject: str, earlier_values: dict[str, list[str]], values: dict[str, list[str]]) -> None:
    """Raise InputError if a step changed what is in no checkpoint, since a resumed trial would end otherwise."""
    for name, value in values.items():
        if value != earlier_values.get(name, []):
            problem = f"{subject} changes self.{name}, which no checkpoint holds"
            raise InputError(f"{problem}: keep it in self.state or in a group of self.param_groups")


def _make_batch(model: ModelConfig, recipe: TrainConfig) -> Batch:
    shape, normal_draws = input_shape(model), AUGMENTATIONS[recipe.augmentation].normal_draws
    side = (shape.square_px or shape.size) + 2 * shape.pad
    canvas = torch.randint(256, (IMAGES, side, side, 3), dtype=torch.uint8)
    draws = torch.cat([torch.rand(IMAGES, DRAWS), torch.randn(IMAGES, normal_draws)], dim=1)
    return Batch(canvas, torch.arange(IMAGES), draws, shape.size, shape.pad)


@contextmanager
def _explain(kind: str, name: str = "") -> Iterator[str]:
    """Provide a component's kind and plain name, and turn any error into one line that holds them."""
    subject = f"{kind} {plain_name(name)}".strip()
    with explain_user_error(f"{subject} fails"):
        yield subject


def _check_tensor(subject: str, value: Any, shape: tuple[int, ...]) -> None:
    """Raise InputError unless the value is a tensor of finite floating-point numbers of this shape."""
    expected = f"it must return floating-point numbers of shape {shape} for {IMAGES} images"
    if not isinstance(value, Tensor):
        raise InputError(f"{subject} returns {type(value).__name__}: {expected}")
    if tuple(value.shape) != shape or not value.is_floating_point():
        raise InputError(f"{subject} returns {value.dtype} of shape {tuple(value.shape)}: {expected}")
    if not value.isfinite().all():
        raise InputError(f"{subject} returns numbers that are not finite: {expected}")
