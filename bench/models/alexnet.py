"""AlexNet in several layouts, with the factors of a study as switches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from bench.components.layouts import LAYOUTS, Conv, Layout
from bench.models.layers import ALPHA_RESCALED, LRN, Constant, Dropout, KWinners, Linear
from bench.spec.config import ModelConfig

ACTIVATIONS: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "relu": lambda model: nn.ReLU(inplace=True),
    "tanh": lambda model: nn.Tanh(),
    "sigmoid": lambda model: nn.Sigmoid(),
    "k-winners": lambda model: KWinners(model.active),
}
GAINS = {  # He et al. 2015; torch.nn.init.calculate_gain's; k winners are given ReLU's
    "relu": math.sqrt(2),
    "tanh": 5 / 3,
    "sigmoid": 1.0,
    "k-winners": math.sqrt(2),
}

DEVIATION = 0.01  # of the paper's initial weights


class AlexNet(nn.Module):
    """The network that a `Model` describes.

    Input: (N, 3, size, size) in -1..1, size as in LAYOUTS; output: (N, classes) logits. `gains` holds, by the name of
    each layer with weights, the gain of its initial weights, which `build` draws: before, they are whatever was there.
    A switch that the layout cannot take is a InputError.
    """

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        self.model = model
        self.layout = LAYOUTS[model.layout]
        self.gains: dict[str, float] = {}
        self.layers = nn.Sequential()
        channels, size = 3, self.layout.size
        for conv in _convolutions(model, self.layout):
            channels, size = self._add_conv(conv, channels, size)
        self.layers.add_module("flatten", nn.Flatten())
        self._add_classifier(channels * size * size)

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)

    def _add_conv(self, conv: Conv, channels: int, size: int) -> tuple[int, int]:
        model, add = self.model, self.layers.add_module
        for part in _stack(conv, channels, model.kernel, model.middle):
            linear = model.kernel == "pair-linear" and part.name.endswith("a")
            layer = nn.Conv2d(channels, part.channels, part.kernel, part.stride, part.padding, groups=part.groups)
            add(part.name, layer)
            channels, size = part.channels, (size + 2 * part.padding - part.kernel) // part.stride + 1
            if linear:
                self.gains[part.name] = 1.0
            else:
                self._activate(part.name, nn.BatchNorm2d, channels)
        behind = self._normalisation(conv, channels)
        if conv.pool:
            ceil = self.layout.pool_first
            size = (size - 3 + ceil) // 2 + 1
            pool = [(f"{conv.name}_pool", nn.MaxPool2d(3, 2, ceil_mode=ceil))]
            behind = [*pool, *behind] if self.layout.pool_first else [*behind, *pool]
        if model.dropout and model.dropout_place in ("conv", "all"):
            behind.append((f"{conv.name}_drop", Dropout(model.dropout)))
        for name, module in behind:
            add(name, module)
        return channels, size

    def _normalisation(self, conv: Conv, channels: int) -> list[tuple[str, nn.Module]]:
        """What stands where the paper has LRN; batch normalisation stands before the activations instead."""
        kinds: dict[str, Callable[[], nn.Module]] = {
            "lrn": lambda: LRN(channels),
            "lrn-rescaled": lambda: LRN(channels, ALPHA_RESCALED),
            "constant": Constant,
        }
        kind = self.model.normalisation
        return [(f"{conv.name}_norm", kinds[kind]())] if conv.lrn and kind in kinds else []

    def _add_classifier(self, inputs: int) -> None:
        model, layout, add = self.model, self.layout, self.layers.add_module
        drops = bool(model.dropout) and model.dropout_place in ("fc", "all")
        first = len(layout.convs) + 1
        for number, units in enumerate(layout.units, first):
            name = f"fc{number}"
            if name in model.without:
                continue
            if drops and layout.drop_before:
                add(f"{name}_drop", Dropout(model.dropout))
            outputs = _scaled(units, model.width)
            add(name, Linear(inputs, outputs))
            self._activate(name, nn.BatchNorm1d, outputs)
            if drops and not layout.drop_before:
                add(f"{name}_drop", Dropout(model.dropout))
            inputs = outputs
        output = f"fc{first + len(layout.units)}"
        add(output, Linear(inputs, model.classes))
        self.gains[output] = 1.0

    def _activate(self, name: str, batch_norm: Callable[[int], nn.Module], channels: int) -> None:
        if self.model.normalisation == "batch":
            self.layers.add_module(f"{name}_bn", batch_norm(channels))
        self.layers.add_module(f"{name}_act", ACTIVATIONS[self.model.activation](self.model))
        self.gains[name] = GAINS[self.model.activation]

    def activations(self) -> Iterator[tuple[str, nn.Module]]:
        """Each layer's name and the module that activates it, in order."""
        for name, module in self.layers.named_children():
            if name.endswith("_act"):
                yield name.removesuffix("_act"), module


def build(model: ModelConfig, seed: int) -> AlexNet:
    """The network with its initial weights: unit normal draws that depend on the seed and the layer's name alone,
    times gain / sqrt(fan in); biases are zero. Arms of one seed share the draws of every layer whose shape agrees.

    'paper': times 0.01; biases are one in the second, fourth and fifth convolution and in hidden fully connected layers
    (Krizhevsky et al. 2012, section 5).
    """
    network, paper = AlexNet(model), model.initial == "paper"
    with torch.no_grad():
        for name, gain in network.gains.items():
            layer = network.layers.get_submodule(name)
            weight = layer.get_parameter("weight")
            scale = DEVIATION if paper else gain / math.sqrt(weight[0].numel())
            weight.normal_(generator=generator(seed, f"weights/{name}")).mul_(scale)
            layer.get_parameter("bias").fill_(float(paper and _biased(network, name)))
    return network


def _biased(network: AlexNet, name: str) -> bool:
    hidden = name.startswith("fc") and name != next(reversed(network.gains))
    return hidden or name.rstrip("ab") in ("conv2", "conv4", "conv5")


def generator(seed: int, stream: str) -> torch.Generator:
    """A generator for one named purpose of a trial, independent of every other purpose's."""
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))


def _convolutions(model: ModelConfig, layout: Layout) -> list[Conv]:
    """The layout's convolutions at the model's width, less those left out, plus the extra ones behind the last."""
    kept = [c for c in layout.convs if c.name not in model.without]
    last = kept[-1]
    extra = [Conv(f"extra{n + 1}", last.channels) for n in range(model.extra)]
    pool = layout.convs[-1].pool  # the pooling before the classifier stays there, whichever convolution is last
    convs = [replace(c, pool=c.pool and (c is not last or not extra)) for c in kept] + extra
    convs[-1] = replace(convs[-1], pool=pool or convs[-1].pool)
    groups = max(c.groups for c in layout.convs)  # of any layer, since each layer's outputs are the next one's inputs
    return [replace(c, channels=_scaled(c.channels, model.width, groups)) for c in convs]


def _stack(conv: Conv, channels: int, kernel: str, middle: float) -> list[Conv]:
    """A 5x5 convolution as it is, or as the pair of 3x3 that stands for it (Simonyan & Zisserman 2015, section 2.3).

    'pair-matched' takes the middle width at which the pair has as many weights: 25 Cin Cout / (9 (Cin + Cout)).
    """
    if conv.kernel != 5 or kernel == "5x5":
        return [conv]
    width = middle * conv.channels
    if kernel == "pair-matched":
        width = 25 * channels * conv.channels / (9 * (channels + conv.channels))
    first = replace(conv, name=f"{conv.name}a", channels=_scaled(width, 1, conv.groups), kernel=3, padding=1)
    return [first, replace(conv, name=f"{conv.name}b", kernel=3, padding=1)]


def _scaled(channels: float, width: float, groups: int = 1) -> int:
    return groups * max(1, round(channels * width / groups))
