"""Initial weights: the factor of the shared unit normal draws, and the biases."""

import math
from collections.abc import Callable
from typing import NamedTuple

from bench.components.registry import register

PAPER_DEVIATION = 0.01  # Krizhevsky et al. 2012, section 5


class LayerToInitialise(NamedTuple):
    """A layer with weights: name, inputs per unit, gain of the activation, and whether it is the output layer."""

    name: str
    fan_in: int
    gain: float
    is_output: bool


INITIALISERS: dict[str, Callable[[LayerToInitialise], tuple[float, float]]] = {}  # return weight scale and bias


@register(INITIALISERS, "scaled")
def scaled(layer: LayerToInitialise) -> tuple[float, float]:
    """Scale by gain / sqrt(fan in), as for He et al. 2015, section 2.2; biases are zero."""
    return layer.gain / math.sqrt(layer.fan_in), 0.0


@register(INITIALISERS, "paper")
def paper(layer: LayerToInitialise) -> tuple[float, float]:
    """Scale by 0.01 (Krizhevsky et al. 2012, section 5).

    Biases are one in the second, fourth and fifth convolution and in hidden fully connected layers.
    """
    hidden = layer.name.startswith("fc") and not layer.is_output
    biased = hidden or layer.name.rstrip("ab") in ("conv2", "conv4", "conv5")
    return PAPER_DEVIATION, float(biased)
