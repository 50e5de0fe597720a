"""Replacements for each replaceable 5x5 convolution of a layout (Simonyan & Zisserman 2015, section 2.3).

A level is a function of that convolution, its input channels and the model's `middle`.
"""

from collections.abc import Callable
from dataclasses import replace

from bench.components.layouts import Conv, scaled_channels
from bench.components.registry import register

KERNELS: dict[str, Callable[[Conv, int, float], list[Conv]]] = {}


@register(KERNELS, "5x5")
def single(conv: Conv, in_channels: int, middle: float) -> list[Conv]:
    """The 5x5 convolution itself."""
    return [conv]


@register(KERNELS, "pair")
def pair(conv: Conv, in_channels: int, middle: float) -> list[Conv]:
    """Two 3x3 convolutions, with `middle` times the output's channels between them."""
    return _pair(conv, middle * conv.channels)


@register(KERNELS, "pair-matched")
def pair_matched(conv: Conv, in_channels: int, middle: float) -> list[Conv]:
    """A pair with as many weights as the 5x5: 25 Cin Cout / (9 (Cin + Cout)) channels between the two."""
    return _pair(conv, 25 * in_channels * conv.channels / (9 * (in_channels + conv.channels)))


@register(KERNELS, "pair-linear")
def pair_linear(conv: Conv, in_channels: int, middle: float) -> list[Conv]:
    """A pair without an activation between the two."""
    first, second = pair(conv, in_channels, middle)
    return [replace(first, linear=True), second]


def _pair(conv: Conv, width: float) -> list[Conv]:
    """Two 3x3 convolutions with the receptive field and output size of the 5x5: the second one has its stride."""
    channels, padding = scaled_channels(width, 1, conv.groups), conv.padding // 2
    first = replace(conv, name=f"{conv.name}a", channels=channels, kernel=3, stride=1, padding=padding)
    return [first, replace(conv, name=f"{conv.name}b", kernel=3, padding=conv.padding - padding)]
