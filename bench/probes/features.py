"""Dependence between the hidden units of a trained network, and the share of active units."""

import math
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.models.network import Network
from bench.models.network_check import find_facts
from bench.probes.question import Answer, question
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError

THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)


def check_hidden_layer(model: ModelConfig) -> None:
    """Raise InputError for a network without a hidden fully connected layer."""
    if 2 not in find_facts(model).activations.values():
        problem = f"{model.title} has no hidden fully connected layer, whose units depend on each other"
        raise InputError(f"{problem}: ask about arms that have one")


def check_activations(model: ModelConfig) -> None:
    """Raise InputError for a network without a module that is a hidden activation."""
    if not find_facts(model).activations:
        raise InputError(f"{model.title} has no activation module: name its hidden activations where it is declared")


@question("co-adaptation", check=check_hidden_layer)
def dependence(networks: Sequence[Network], images: ResidentImages) -> Answer:
    """Measure `features/correlation/<layer>` and `features/rank/<layer>` of each hidden fully connected layer."""
    (network,) = networks
    metrics = {}
    for name, output in hidden_activations(network, images).items():
        if output.ndim == 2:
            metrics[f"features/correlation/{name}"] = correlation(output)
            metrics[f"features/rank/{name}"] = effective_rank(output)
    return {"": metrics}


def correlation(units: Tensor) -> float:
    """Compute the mean absolute correlation over all pairs of units that vary (Cogswell et al. 2016, section 3).

    units: (N, units).
    """
    units = units.double() - units.double().mean(0)
    lengths = units.norm(dim=0)
    units = units[:, lengths > 1e-9 * lengths.max()]
    if units.shape[1] < 2:
        return 0.0
    units = units / units.norm(dim=0)
    count = units.shape[1]
    return ((units.t() @ units).abs().sum().item() - count) / (count * (count - 1))


def effective_rank(units: Tensor) -> float:
    """Compute exp of the entropy of the singular values' shares, of the centred units (Roy & Vetterli 2007, section 2).

    units: (N, units).
    """
    values = torch.linalg.svdvals(units.double() - units.double().mean(0))
    shares = values[values > 0] / values.sum()
    return (-(shares * shares.log()).sum()).exp().item() if len(shares) else 0.0


@question("activity", check=check_activations)
def activity_above(networks: Sequence[Network], images: ResidentImages) -> Answer:
    """Measure `activity/above/<threshold>`: the share of hidden activations of larger size, mean over layers.

    It serves activations that are never exactly zero.
    """
    (network,) = networks
    outputs = [output.abs() for output in hidden_activations(network, images).values()]
    shares = {t: [(output > t).double().mean().item() for output in outputs] for t in THRESHOLDS}
    return {"": {f"activity/above/{threshold}": math.fsum(share) / len(share) for threshold, share in shares.items()}}


def hidden_activations(network: Network, images: ResidentImages) -> dict[str, Tensor]:
    """Return each hidden layer's activations, (N, units) or (N, channels, H, W), in eval mode."""
    activations: dict[str, Tensor] = {}

    def observe(name: str, module: nn.Module, output: Tensor) -> None:
        activations[name] = output.clone()  # the next module may overwrite it

    with ExitStack() as hooks:
        for handle in network.hook_activations(observe):
            hooks.enter_context(handle)
        network.eval()(centre(images.canvas, network.size))
    return activations
