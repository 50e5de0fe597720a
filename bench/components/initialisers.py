"""Initial weights: the factor of the shared unit normal draws, and the biases.

A level is a function of a layer's name, its inputs per unit, the gain of its activation, and whether it is the output
layer. It returns the scale of the weights and the bias.
"""

import math
from collections.abc import Callable

from bench.components.registry import register

PAPER_DEVIATION = 0.01  # Krizhevsky et al. 2012, section 5

INITIALISERS: dict[str, Callable[[str, int, float, bool], tuple[float, float]]] = {}


@register(INITIALISERS, "scaled")
def scaled(layer: str, fan_in: int, gain: float, is_output: bool) -> tuple[float, float]:
    """Scale by gain / sqrt(fan in), as for He et al. 2015, section 2.2; biases are zero."""
    return gain / math.sqrt(fan_in), 0.0


@register(INITIALISERS, "paper")
def paper(layer: str, fan_in: int, gain: float, is_output: bool) -> tuple[float, float]:
    """Scale by 0.01 (Krizhevsky et al. 2012, section 5).

    Biases are one in the second, fourth and fifth convolution and in hidden fully connected layers.
    """
    hidden = layer.startswith("fc") and not is_output
    return PAPER_DEVIATION, float(hidden or layer.rstrip("ab") in ("conv2", "conv4", "conv5"))
