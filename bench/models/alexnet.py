"""AlexNet in several layouts, with the factors of a study as switches."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from bench.components.activations import ACTIVATIONS
from bench.components.initialisers import INITIALISERS, DrawnLayer
from bench.components.inputs import INPUTS
from bench.components.kernels import KERNELS
from bench.components.layouts import DROPOUT_PLACES, LAYOUTS, Conv, Layout, scaled_channels
from bench.components.levels import check_levels
from bench.components.normalisations import build_normalisation
from bench.models.layers import Dropout, Linear
from bench.spec.config import ModelConfig
from bench.spec.seeding import stream_seed

ROLES_BY_SUFFIX = {
    "act": "activation",
    "norm": "normalisation",
    "bn": "normalisation",
    "drop": "dropout",
    "pool": "pooling",
}


class AlexNet(nn.Module):
    """The network that a `ModelConfig` describes.

    Input: (N, 3, size, size) float32 in -1..1, with the size of the layout. Output: (N, classes) logits. Weights are
    uninitialised until `build` draws them.

    Attributes:
        layers: All modules in order; a module is named by its layer and what it does: conv1, conv1_act, conv1_pool.
            One that rescales the images comes first, as `inputs`.
        gains: Gain of the activation after each layer with weights, by the layer's name, first to last.

    Raises:
        InputError: A level is unknown or does not fit the layout.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        check_levels(config)
        self.config = config
        self.layout = LAYOUTS[config.layout]
        self.gains: dict[str, float] = {}
        self.layers = nn.Sequential()
        if inputs := INPUTS[config.inputs]():
            self.layers.add_module("inputs", inputs)
        channels, size = 3, self.layout.size
        for conv in _convolutions(config, self.layout):
            channels, size = self._add_convolution(conv, channels, size)
        self.layers.add_module("flatten", nn.Flatten())
        self._add_classifier(channels * size * size)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.layers(images)

    def activations(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield each hidden layer's name and the module that activates it, in order."""
        for name, module in self.layers.named_children():
            if name.endswith("_act"):
                yield name.removesuffix("_act"), module

    def roles(self) -> dict[str, str]:
        """Return the role of each module that has one, by its name, in order."""
        names = [name for name, _ in self.layers.named_children()]
        return {
            name: ROLES_BY_SUFFIX[suffix] for name in names if (suffix := name.rpartition("_")[2]) in ROLES_BY_SUFFIX
        }

    def parts(self) -> tuple[nn.Module, nn.Module]:
        """Return the convolutional part, and the fully connected part, which takes flattened maps."""
        boundary = [name for name, _ in self.layers.named_children()].index("flatten")
        return self.layers[:boundary], self.layers[boundary + 1 :]

    def initial_weights(self, name: str) -> tuple[float, float]:
        """Return the standard deviation of a layer's initial weights, and its initial bias."""
        layer = self.layers.get_submodule(name)
        weight = layer.get_parameter("weight")
        fan_out = weight[:, 0].numel() // getattr(layer, "groups", 1)
        is_output = name == next(reversed(self.gains))
        drawn = DrawnLayer(name, weight[0].numel(), fan_out, self.gains[name], is_output)
        return INITIALISERS[self.config.initial](drawn)

    def _add_convolution(self, conv: Conv, channels: int, size: int) -> tuple[int, int]:
        """Add a convolution, or its replacement, and its other modules; return output channels and map size."""
        is_replaced = conv.kernel == 5 and conv.replaceable
        stack = KERNELS[self.config.kernel if is_replaced else "5x5"]
        for part in stack(conv, channels, self.config.middle):
            layer = nn.Conv2d(channels, part.channels, part.kernel, part.stride, part.padding, groups=part.groups)
            self.layers.add_module(part.name, layer)
            channels, size = part.channels, (size + 2 * part.padding - part.kernel) // part.stride + 1
            self._activate(part.name, channels, dimensions=2, linear=part.linear)
        normalisation = build_normalisation(self.config.normalisation, "lrn", channels, 2) if conv.lrn else None
        followers: list[tuple[str, nn.Module | None]] = [("norm", normalisation)]
        if conv.pool:
            pool = nn.MaxPool2d(*self.layout.pool, ceil_mode=self.layout.pool_ceil)
            followers.insert(0 if self.layout.pool_first else 1, ("pool", pool))
            size = self.layout.pooled(size)
        followers.append(("drop", self._dropout("conv")))
        self._add_present(conv.name, followers)
        return channels, size

    def _add_classifier(self, inputs: int) -> None:
        first = len(self.layout.convs) + 1
        for number, units in enumerate(self.layout.units, first):
            name = f"fc{number}"
            if name in self.config.without:
                continue
            dropout = [("drop", self._dropout("fc"))]
            outputs = scaled_channels(units, self.config.width)
            self._add_present(name, dropout if self.layout.drop_before else [])
            self.layers.add_module(name, Linear(inputs, outputs))
            self._activate(name, outputs, dimensions=0)
            self._add_present(name, [] if self.layout.drop_before else dropout)
            inputs = outputs
        output = f"fc{first + len(self.layout.units)}"
        self.layers.add_module(output, Linear(inputs, self.config.classes))
        self.gains[output] = 1.0

    def _add_present(self, layer: str, modules: list[tuple[str, nn.Module | None]]) -> None:
        for suffix, module in modules:
            if module is not None:
                self.layers.add_module(f"{layer}_{suffix}", module)

    def _dropout(self, place: str) -> nn.Module | None:
        drops = self.config.dropout and place in DROPOUT_PLACES[self.config.dropout_place]
        return Dropout(self.config.dropout) if drops else None

    def _activate(self, layer: str, channels: int, dimensions: int, linear: bool = False) -> None:
        activation = ACTIVATIONS[self.config.activation]
        self.gains[layer] = 1.0 if linear else activation.gain
        if not linear:
            before = build_normalisation(self.config.normalisation, "pre-activation", channels, dimensions)
            self._add_present(layer, [("bn", before), ("act", activation.build(self.config))])


def build(config: ModelConfig, seed: int) -> AlexNet:
    """Build a network with its initial weights.

    Weights are unit normal draws that depend on the seed and the layer's name alone, scaled by the initialiser: arms of
    one seed share the draws of every layer whose shape agrees.
    """
    network = AlexNet(config)
    with torch.no_grad():
        for name in network.gains:
            layer = network.layers.get_submodule(name)
            deviation, bias = network.initial_weights(name)
            draws = torch.Generator().manual_seed(stream_seed(seed, f"weights/{name}"))
            layer.get_parameter("weight").normal_(generator=draws).mul_(deviation)
            layer.get_parameter("bias").fill_(bias)
    return network


def _convolutions(config: ModelConfig, layout: Layout) -> list[Conv]:
    """Convolutions of the layout at the model's width, without those left out, with the extra ones after the last.

    The pooling before the classifier keeps its place, whichever convolution is last. Channels are multiples of the
    largest number of groups of any layer, because each layer's outputs are the next one's inputs.
    """
    present = [conv for conv in layout.convs if conv.name not in config.without]
    last, pools_last = present[-1], layout.convs[-1].pool
    extra = [Conv(f"extra{n + 1}", last.channels) for n in range(config.extra)]
    moves_pool = pools_last and bool(extra)
    convs = [replace(conv, pool=conv.pool and not (conv is last and moves_pool)) for conv in present] + extra
    convs[-1] = replace(convs[-1], pool=pools_last or convs[-1].pool)
    groups = max(conv.groups for conv in layout.convs)
    return [replace(conv, channels=scaled_channels(conv.channels, config.width, groups)) for conv in convs]
