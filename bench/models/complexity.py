"""Parameters and multiply-accumulates of a network, layer by layer, in the order in which its modules run."""

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.conv import _ConvNd
from torch.utils.flop_counter import FlopCounterMode

from bench.models.alexnet import AlexNet
from bench.models.network import Network, outline
from bench.spec.config import ModelConfig

MAX_COUNTED = 1_024  # networks whose counts are kept
WHOLE_NETWORK = "network"  # name of the row of what belongs to no submodule
FOLLOWERS = {"normalisation": "norm", "activation": "act"}  # kinds of rows that belong to the layer before, by role


@lru_cache(MAX_COUNTED)
def count_network(config: ModelConfig) -> dict[str, Any]:
    """Count a network's parameters and operations: totals, and a row per module with parameters of its own.

    Parameters include biases; those that modules share count once. Multiply-accumulates (MACs) are for one image, half
    of the operations that `torch.utils.flop_counter` counts: of convolutions and matrix products, without biases and
    normalisations. A row also names the modules without parameters that follow its layer, so that two networks can be
    compared row by row.
    """
    network = outline(config)
    rows = _Trace(network).rows()
    if isinstance(network.module, AlexNet):
        _add_alexnet_fields(network.module, rows)
    return {
        "parameters": sum(row["parameters"] for row in rows),
        "macs": sum(row["macs"] for row in rows),
        "layers": rows,
    }


@dataclass
class _Part:
    """A module with what it owns itself; one that has a role owns all modules inside it, too.

    Attributes:
        module: The module.
        kind: 'conv', 'fc', 'norm', 'act' or 'other'.
        parameters: Its parameters, without those of an earlier part.
        flops: Operations for one image.
        output: Shape of its last output of one image.
        followers: Modules without parameters that follow it, by role.
    """

    module: nn.Module
    kind: str
    parameters: list[nn.Parameter]
    flops: int = 0
    output: list[int] = field(default_factory=list)
    followers: dict[str, str] = field(default_factory=dict)


class _Trace:
    """One forward pass of an image, which notes what each part of a network computes."""

    def __init__(self, network: Network) -> None:
        self.network, self.parts = network, _list_parts(network)
        self.started: dict[str, _Part] = {}  # in the order in which they first run
        self.running: list[_Part] = []  # innermost last
        self.layer: _Part | None = None  # the last one that began and is no follower of a layer
        self.counter, self.charged = FlopCounterMode(display=False), 0
        with ExitStack() as contexts:
            for path, part in self.parts.items():
                contexts.enter_context(part.module.register_forward_pre_hook(self._begin(path)))
                contexts.enter_context(part.module.register_forward_hook(self._end))
            contexts.enter_context(next(network.parameters()).device)
            contexts.enter_context(torch.random.fork_rng(devices=[]))
            contexts.enter_context(torch.enable_grad())  # without it, attention takes a path that is not counted
            contexts.enter_context(sdpa_kernel(SDPBackend.MATH))
            contexts.enter_context(self.counter)
            network(torch.zeros(1, 3, network.size, network.size))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of parts with parameters or operations; those that did not run come last."""
        parts = {**self.started, **self.parts}
        names = {path: path.removeprefix(self.network.prefix) or WHOLE_NETWORK for path in parts}
        return [_row(names[path], part) for path, part in parts.items() if part.parameters or _macs(part)]

    def _begin(self, path: str) -> Any:
        part, role = self.parts[path], self.network.roles.get(path)

        def call(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            self._charge()
            self.running.append(part)
            self.started.setdefault(path, part)
            if part.parameters and part.kind not in FOLLOWERS.values():
                self.layer = part
            elif role and self.layer:
                self.layer.followers[role] = " ".join(repr(module).split())

        return call

    def _end(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        self._charge()
        part = self.running.pop()
        if isinstance(output, Tensor):
            part.output = list(output.shape[1:])

    def _charge(self) -> None:
        """Charge the operations since the last call to the innermost part that runs."""
        total = self.counter.get_total_flops()
        if self.running:
            self.running[-1].flops += total - self.charged
        self.charged = total


def _list_parts(network: Network) -> dict[str, _Part]:
    """List the parts of a network by path, in the order of declaration."""
    parts: dict[str, _Part] = {}
    shared, inside = set[nn.Parameter](), set[nn.Module]()
    for path, module in network.module.named_modules():
        if module in inside:
            continue
        role = network.roles.get(path, "")
        if role:
            inside.update(module.modules())
        parameters = [p for p in module.parameters(recurse=bool(role)) if p not in shared]
        shared.update(parameters)
        parts[path] = _Part(module, FOLLOWERS.get(role) or _kind(module), parameters)
    return parts


def _kind(module: nn.Module) -> str:
    if isinstance(module, _ConvNd):
        return "conv"
    return "fc" if isinstance(module, nn.Linear) else "other"


def _macs(part: _Part) -> int:
    return 0 if part.kind == FOLLOWERS["normalisation"] else part.flops // 2


def _row(name: str, part: _Part) -> dict[str, Any]:
    shapes = [parameter.shape for parameter in part.parameters]
    return {
        "name": name,
        "kind": part.kind,
        "shape": list(shapes[0]) if shapes else [],
        "output": part.output,
        "parameters": sum(parameter.numel() for parameter in part.parameters),
        "macs": _macs(part),
        **part.followers,
    }


def _add_alexnet_fields(network: AlexNet, rows: list[dict[str, Any]]) -> None:
    """Add the gain of each layer's initial weights, and the module that rescales the images to the first row.

    A gain is the deviation of the weights times the root of the fan in; None for a normalisation. It is rounded, so
    that layers of different sizes have equal gains where they were scaled by one.
    """
    for row in rows:
        fan_in = math.prod(row["shape"][1:])
        is_drawn = row["name"] in network.gains
        row["gain"] = round(network.initial_weights(row["name"])[0] * math.sqrt(fan_in), 4) if is_drawn else None
    if inputs := dict(network.layers.named_children()).get("inputs"):
        rows[0]["inputs"] = repr(inputs)
