"""All factors with their valid levels, and the check of a configuration against them."""

from collections.abc import Mapping
from typing import Any

from bench.components import (
    augmentations,
    initialisers,
    inputs,
    kernels,
    losses,
    normalisations,
    optimizers,
    schedules,
)
from bench.components.activations import ACTIVATIONS
from bench.components.layouts import DROPOUT_PLACES, LAYOUTS
from bench.components.networks import NETWORKS, check_factors
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import one_of

LEVELS: dict[str, Mapping[str, Any]] = {
    "layout": LAYOUTS,
    "activation": ACTIVATIONS,
    "normalisation": normalisations.NORMALISATIONS,
    "dropout_place": DROPOUT_PLACES,
    "kernel": kernels.KERNELS,
    "initial": initialisers.INITIALISERS,
    "inputs": inputs.INPUTS,
    "augmentation": augmentations.AUGMENTATIONS,
    "schedule": schedules.SCHEDULES,
    "optimiser": optimizers.OPTIMIZERS,
    "loss": losses.LOSSES,
}


def check_levels(config: ModelConfig | TrainConfig) -> None:
    """Check that every level of a configuration is implemented.

    Raises:
        InputError: A level is unknown, or does not fit another one; the message lists the valid levels.
    """
    if isinstance(config, ModelConfig) and config.is_declared:
        one_of("network", config.network, NETWORKS)
        check_factors(NETWORKS[config.network].factors, dict(config.factors))
        return
    for factor, levels in LEVELS.items():
        if hasattr(config, factor):
            one_of(factor, getattr(config, factor), levels)
    if isinstance(config, ModelConfig):
        _check_model(config)


def _check_model(model: ModelConfig) -> None:
    layout = LAYOUTS[model.layout]
    if unknown := [layer for layer in model.without if layer not in layout.removable]:
        removable = ", ".join(layout.removable) or "no layer"
        raise InputError(f"layout {model.layout} cannot leave out {', '.join(unknown)}; it can: {removable}")
    if model.dropout and model.dropout_place == "fc" and not layout.units:
        raise InputError(
            f"dropout is {model.dropout!r} at 'fc', and layout {model.layout} has no hidden fully connected layer: set "
            "dropout to 0 or dropout_place to 'conv'"
        )
    takers = [name for name, activation in ACTIVATIONS.items() if activation.takes_active]
    if model.active != 1 and model.activation not in takers:
        raise InputError(
            f"active is {model.active!r} beside activation {model.activation!r}: only {', '.join(takers)} has it"
        )
