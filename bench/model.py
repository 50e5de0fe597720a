"""AlexNet in five layouts, with the factors of a study as switches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bench.layers import ALPHA_UNIT, LRN, Constant
from bench.spec import BadInput, Model


@dataclass(frozen=True)
class Conv:
    """A convolution of a layout; lrn and pool: whether normalisation and max pooling follow it in the paper."""

    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    groups: int = 1
    lrn: bool = False
    pool: bool = False


@dataclass(frozen=True)
class Layout:
    """size: of the input in pixels; pad: what training images are padded with on each side before a crop.

    drop_before: dropout precedes the hidden fully connected layers (else it follows their activation).
    pool_first: pooling precedes normalisation.
    """

    size: int
    pad: int
    convs: tuple[Conv, ...]
    units: tuple[int, ...]
    drop_before: bool = False
    pool_first: bool = False


def _paper(groups: int) -> Layout:
    """Krizhevsky et al. 2012, figure 2 (two groups), or the same without groups."""
    return Layout(
        227,
        0,
        (
            Conv("conv1", 96, 11, 4, 0, lrn=True, pool=True),
            Conv("conv2", 256, 5, 1, 2, groups, lrn=True, pool=True),
            Conv("conv3", 384),
            Conv("conv4", 384, groups=groups),
            Conv("conv5", 256, groups=groups, pool=True),
        ),
        (4096, 4096),
    )


def _one_weird_trick(size: int, pad: int, pooled: tuple[str, ...]) -> Layout:
    """Krizhevsky 2014 (arXiv 1404.5997), as torchvision has it; the document pools after conv1 alone."""
    convs = (
        Conv("conv1", 64, 11, 4, 2, lrn=True),
        Conv("conv2", 192, 5, 1, 2, lrn=True),
        Conv("conv3", 384),
        Conv("conv4", 256),
        Conv("conv5", 256),
    )
    return Layout(size, pad, tuple(replace(c, pool=c.name in pooled) for c in convs), (4096, 4096), drop_before=True)


LAYOUTS = {
    "document": _one_weird_trick(32, 4, ("conv1",)),
    "torchvision": _one_weird_trick(224, 0, ("conv1", "conv2", "conv5")),
    "ungrouped": _paper(groups=1),
    "two-group": _paper(groups=2),
    # Zhang et al. 2017 (arXiv 1611.03530), appendix A, 'Small Alexnet'
    "zhang": Layout(
        28,
        0,
        (Conv("conv1", 64, 5, 1, 2, lrn=True, pool=True), Conv("conv2", 64, 5, 1, 2, lrn=True, pool=True)),
        (384, 192),
        pool_first=True,
    ),
}

ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class AlexNet(nn.Module):
    """The network that a `Model` describes.

    Input: (N, 3, size, size) in -1..1, size as in LAYOUTS; output: (N, classes) logits. `gains` holds, by the name of
    each layer with weights, the gain of its initial weights (He et al. 2015 for ReLU, torch.nn.init's otherwise).
    A switch that the layout cannot take is a BadInput.
    """

    def __init__(self, model: Model) -> None:
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
                self._activate(part.name, nn.BatchNorm2d(channels))
        last: list[tuple[str, nn.Module]] = []
        if conv.pool:
            size = -(-(size - 3) // 2) + 1 if self.layout.pool_first else (size - 3) // 2 + 1
            last.append((f"{conv.name}_pool", nn.MaxPool2d(3, 2, ceil_mode=self.layout.pool_first)))
        if conv.lrn and (layer := _normalisation(model.normalisation, channels)):
            last.insert(len(last) if self.layout.pool_first else 0, (f"{conv.name}_norm", layer))
        if model.dropout and model.dropout_place in ("conv", "all"):
            last.append((f"{conv.name}_drop", nn.Dropout(model.dropout)))
        for name, layer in last:
            add(name, layer)
        return channels, size

    def _add_classifier(self, inputs: int) -> None:
        model, layout, add = self.model, self.layout, self.layers.add_module
        drops = bool(model.dropout) and model.dropout_place in ("fc", "all")
        first = len(layout.convs) + 1
        for number, units in enumerate(layout.units, first):
            name = f"fc{number}"
            if name in model.without:
                continue
            if drops and layout.drop_before:
                add(f"{name}_drop", nn.Dropout(model.dropout))
            outputs = _scaled(units, model.width)
            add(name, nn.Linear(inputs, outputs))
            self._activate(name, nn.BatchNorm1d(outputs))
            if drops and not layout.drop_before:
                add(f"{name}_drop", nn.Dropout(model.dropout))
            inputs = outputs
        output = f"fc{first + len(layout.units)}"
        add(output, nn.Linear(inputs, model.classes))
        self.gains[output] = 1.0

    def _activate(self, name: str, batch_norm: nn.Module) -> None:
        if self.model.normalisation == "batch":
            self.layers.add_module(f"{name}_bn", batch_norm)
        self.layers.add_module(f"{name}_act", ACTIVATIONS[self.model.activation]())
        self.gains[name] = nn.init.calculate_gain(self.model.activation)

    def activations(self) -> Iterator[tuple[str, nn.Module]]:
        """Each layer's name and the module that activates it, in order."""
        for name, module in self.layers.named_children():
            if name.endswith("_act"):
                yield name.removesuffix("_act"), module


def build(model: Model, seed: int) -> AlexNet:
    """The network with its initial weights: unit normal draws that depend on the seed and the layer's name alone,
    times gain / sqrt(fan in); biases are zero. Arms of one seed share the draws of every layer whose shape agrees."""
    network = AlexNet(model)
    with torch.no_grad():
        for name, gain in network.gains.items():
            layer = network.layers.get_submodule(name)
            draws = torch.randn(layer.weight.shape, generator=generator(seed, f"weights/{name}"))
            layer.weight.copy_(draws * (gain / math.sqrt(layer.weight[0].numel())))
            layer.bias.zero_()
    return network


def generator(seed: int, stream: str) -> torch.Generator:
    """A generator for one named purpose of a trial, independent of every other purpose's."""
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little"))


def _convolutions(model: Model, layout: Layout) -> list[Conv]:
    """The layout's convolutions at the model's width, less those left out, plus the extra ones behind the last."""
    removable = [c.name for c in layout.convs if c.kernel == 3] + [f"fc{len(layout.convs) + 2}"]
    if unknown := [name for name in model.without if name not in removable]:
        raise BadInput(f"layout {model.layout} cannot leave out {', '.join(unknown)}; it can: {', '.join(removable)}")
    kept = [c for c in layout.convs if c.name not in model.without]
    last = kept[-1]
    extra = [Conv(f"extra{n + 1}", last.channels) for n in range(model.extra)]
    pool = layout.convs[-1].pool  # the pooling before the classifier stays there, whichever convolution is last
    convs = [replace(c, pool=c.pool and (c is not last or not extra)) for c in kept] + extra
    convs[-1] = replace(convs[-1], pool=pool or convs[-1].pool)
    return [replace(c, channels=_scaled(c.channels, model.width, c.groups)) for c in convs]


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


def _normalisation(name: str, channels: int) -> nn.Module | None:
    """What stands in the places where the paper has LRN; batch normalisation stands before the activations instead."""
    layers = {"lrn": lambda: LRN(channels), "lrn-unit": lambda: LRN(channels, ALPHA_UNIT), "constant": Constant}
    return layers[name]() if name in layers else None


def _scaled(channels: float, width: float, groups: int = 1) -> int:
    return groups * max(1, round(channels * width / groups))
