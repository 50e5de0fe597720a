"""Parameters and multiply-accumulates of a network, a layer at a time, without allocating it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from bench.models.alexnet import AlexNet
from bench.models.layers import LRN, Constant, Linear
from bench.spec.config import ModelConfig

KINDS = {nn.Conv2d: "conv", Linear: "fc", nn.BatchNorm1d: "norm", nn.BatchNorm2d: "norm"}


@lru_cache
def network(model: ModelConfig) -> dict[str, Any]:
    """What was built: totals and a row a layer with parameters, on the meta device.

    Parameters include biases; multiply-accumulates (MACs) are for one image and leave biases out. A row also tells the
    modules without parameters that follow its layer, so that two networks can be compared row by row.
    """
    with torch.device("meta"):
        built = AlexNet(model).eval()
    shapes, activations = _output_shapes(built), {module for _, module in built.activations()}
    rows: list[dict[str, Any]] = []
    for name, module in built.layers.named_children():
        if type(module) in KINDS:
            rows.append(_row(name, module, shapes[name], built.gains.get(name)))
        if rows and (field := "activation" if module in activations else _field(module)):
            weights = next(row for row in reversed(rows) if row["kind"] != "norm")  # what the module follows
            weights[field] = repr(module)
    return {
        "parameters": sum(row["parameters"] for row in rows),
        "macs": sum(row["macs"] for row in rows),
        "layers": rows,
    }


def _output_shapes(built: AlexNet) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    image = torch.empty(1, 3, built.layout.size, built.layout.size, device="meta")
    with torch.no_grad():
        for name, module in built.layers.named_children():
            image = module(image)
            shapes[name] = tuple(image.shape[1:])
    return shapes


def _row(name: str, module: nn.Module, output: tuple[int, ...], gain: float | None) -> dict[str, Any]:
    weight = module.get_parameter("weight")
    places = math.prod(output[1:])  # a convolution applies its weights once a place, a fully connected layer once
    kind = KINDS[type(module)]
    return {
        "name": name,
        "kind": kind,
        "shape": list(weight.shape),
        "output": list(output),
        "parameters": sum(p.numel() for p in module.parameters()),
        "macs": 0 if kind == "norm" else weight.numel() * places,
        "gain": gain,
    }


def _field(module: nn.Module) -> str:
    if isinstance(module, LRN | Constant | nn.BatchNorm1d | nn.BatchNorm2d):
        return "normalisation"
    if isinstance(module, nn.Dropout):
        return "dropout"
    return "pooling" if isinstance(module, nn.MaxPool2d) else ""
