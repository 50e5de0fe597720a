"""Initial weights: the factor of the shared unit normal draws, and the biases.

A level is a function of a layer that returns the scale of the weights and the bias.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from bench.components.registry import register

PAPER_DEVIATION = 0.01  # Krizhevsky et al. 2012, section 5


class DrawnLayer(NamedTuple):
    """A layer whose weights are drawn.

    Attributes:
        name: The layer's name.
        fan_in: Weights that reach each output: inputs, times the kernel's area.
        fan_out: Weights that leave each input, at stride 1: outputs, times the kernel's area.
        gain: Gain of the layer's activation.
        is_output: Whether it is the output layer.
    """

    name: str
    fan_in: int
    fan_out: int
    gain: float
    is_output: bool

    @property
    def place(self) -> str:
        """Name of the layout's layer: a convolution that replaces part of one takes its place."""
        return self.name.rstrip("ab")


INITIALISERS: dict[str, Callable[[DrawnLayer], tuple[float, float]]] = {}


@register(INITIALISERS, "scaled")
def scaled(layer: DrawnLayer) -> tuple[float, float]:
    """Scale by gain / sqrt(fan in), as for He et al. 2015, section 2.2; biases are zero."""
    return layer.gain / math.sqrt(layer.fan_in), 0.0


@register(INITIALISERS, "paper")
def paper(layer: DrawnLayer) -> tuple[float, float]:
    """Scale by 0.01 (Krizhevsky et al. 2012, section 5).

    Biases are one in the second, fourth and fifth convolution and in hidden fully connected layers.
    """
    is_hidden = layer.name.startswith("fc") and not layer.is_output
    return PAPER_DEVIATION, float(is_hidden or layer.place in ("conv2", "conv4", "conv5"))


@register(INITIALISERS, "glorot")
def glorot(layer: DrawnLayer) -> tuple[float, float]:
    """Scale by sqrt(2 / (fan in + fan out)), whatever the activation; biases are zero.

    Glorot & Bengio 2010, equation 12: the variance of equation 16, drawn from a normal distribution.
    """
    return math.sqrt(2 / (layer.fan_in + layer.fan_out)), 0.0


@register(INITIALISERS, "four-layer")
def four_layer(layer: DrawnLayer) -> tuple[float, float]:
    """Scale by 0.0001 in conv1, 0.1 in the output layer and 0.01 in all others; biases are zero.

    As in cuda-convnet's networks for CIFAR-10, such as that of Krizhevsky et al. 2012, figure 1.
    """
    if layer.is_output:
        return 0.1, 0.0
    return 1e-4 if layer.place == "conv1" else PAPER_DEVIATION, 0.0
