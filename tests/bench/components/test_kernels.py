import pytest
import torch
from torch import nn

from bench.components.kernels import KERNELS
from bench.components.layouts import Conv


def stack(level, stride, padding):
    """The convolutions of a level in place of a 5x5 with one channel, without biases, all weights one."""
    layers, channels = nn.Sequential(), 1
    for conv in KERNELS[level](Conv("conv1", 1, 5, stride, padding), 1, 1.0):
        layers.append(nn.Conv2d(channels, conv.channels, conv.kernel, conv.stride, conv.padding, bias=False))
        channels = conv.channels
    for layer in layers:
        nn.init.ones_(layer.weight)
    return layers


def receptive_fields(layers, side):
    """Which inputs reach each output: (outputs, side, side) bool."""
    image = torch.zeros(1, 1, side, side)
    reach = torch.autograd.functional.jacobian(layers, image)
    return reach.view(-1, side, side) != 0


@pytest.mark.parametrize("level", [level for level in KERNELS if level != "5x5"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("side", [9, 10, 11])
def test_a_pair_sees_what_the_5x5_sees_at_every_output(level, stride, padding, side):
    single, pair = (stack(kernel, stride, padding) for kernel in ("5x5", level))
    assert len(pair) == 2
    assert pair(torch.zeros(1, 1, side, side)).shape == single(torch.zeros(1, 1, side, side)).shape
    assert torch.equal(receptive_fields(pair, side), receptive_fields(single, side))
