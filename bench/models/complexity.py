"""Parameters and multiply-accumulates of a network, layer by layer, without allocating it."""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from bench.models.alexnet import AlexNet
from bench.models.layers import Linear
from bench.spec.config import ModelConfig

FIELDS = {"act": "activation", "norm": "normalisation", "bn": "normalisation", "drop": "dropout", "pool": "pooling"}


@lru_cache
def count_network(config: ModelConfig) -> dict[str, Any]:
    """Count a network's parameters and operations on the meta device: totals, and a row per layer with parameters.

    Parameters include biases; multiply-accumulates (MACs) are for one image and leave biases out. A row also names the
    modules without parameters that follow its layer, so that two networks can be compared row by row.
    """
    with torch.device("meta"):
        network = AlexNet(config).eval().requires_grad_(False)
        output = torch.empty(1, 3, network.layout.size, network.layout.size)
    rows: list[dict[str, Any]] = []
    for name, module in network.layers.named_children():
        output = module(output)
        if kind := _kind(module):
            rows.append(_row(name, module, kind, output.shape[1:]) | {"gain": _gain(network, name)})
        if rows and (field := FIELDS.get(name.rpartition("_")[2])):
            layer = next(row for row in reversed(rows) if row["kind"] != "norm")  # the layer before this module
            layer[field] = repr(module)
    if inputs := dict(network.layers.named_children()).get("inputs"):
        rows[0]["inputs"] = repr(inputs)
    return {
        "parameters": sum(row["parameters"] for row in rows),
        "macs": sum(row["macs"] for row in rows),
        "layers": rows,
    }


def _kind(module: nn.Module) -> str:
    """Return 'conv', 'fc', 'norm' for any other module with parameters, or '' for one without."""
    if isinstance(module, nn.Conv2d):
        return "conv"
    return "fc" if isinstance(module, Linear) else "norm" if list(module.parameters()) else ""


def _gain(network: AlexNet, layer: str) -> float | None:
    """Return the deviation of a layer's initial weights times the root of its fan in; None for a normalisation.

    It is rounded, so that layers of different sizes have equal gains where they were scaled by one.
    """
    if layer not in network.gains:
        return None
    fan_in = network.layers.get_submodule(layer).get_parameter("weight")[0].numel()
    return round(network.initial_weights(layer)[0] * math.sqrt(fan_in), 4)


def _row(name: str, module: nn.Module, kind: str, output: tuple[int, ...]) -> dict[str, Any]:
    weight = module.get_parameter("weight")
    positions = math.prod(output[1:])  # a convolution applies its weights at each position, other layers once
    return {
        "name": name,
        "kind": kind,
        "shape": list(weight.shape),
        "output": list(output),
        "parameters": sum(p.numel() for p in module.parameters()),
        "macs": 0 if kind == "norm" else weight.numel() * positions,
    }
