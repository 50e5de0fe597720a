"""Passes under dropout masks equal whole forward passes, to the bit."""

import pytest
import torch
from small_networks import Residual, declare
from torch import nn

from bench.models.network import build
from bench.probes.replay import masked_passes
from bench.spec.config import ModelConfig


class Overwriting(nn.Module):
    """Overwrites in place what a convolution returned, before dropout and after it."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.twice = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(4, classes)

    def forward(self, images):
        x = self.conv(images)
        x += 1
        y = self.drop(self.twice(x))
        x *= 2
        return self.fc((self.twice(y) + x).mean((2, 3)))


class Aliased(nn.Module):
    """Needs a convolution's output before and after a module that overwrites it."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)
        self.drop, self.fc = nn.Dropout(0.5), nn.Linear(4, classes)

    def forward(self, images):
        x = self.conv(images)
        before = x.mean((2, 3))
        return self.fc(self.drop(self.relu(x).mean((2, 3)) + before))


class InPlace(nn.Module):
    """Dropout that overwrites a convolution's output, which is needed afterwards."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.drop, self.fc = nn.Conv2d(3, 4, 3), nn.Dropout(0.5, inplace=True), nn.Linear(4, classes)

    def forward(self, images):
        x = self.conv(images)
        return self.fc((self.drop(x) + x).mean((2, 3)))


MODELS = {
    "document": lambda: ModelConfig("document", width=1 / 16, dropout=0.5),
    "everywhere": lambda: ModelConfig("alexnet-32", width=1 / 16, dropout=0.5, dropout_place="all"),
    "residual": lambda: declare(Residual),
    "overwriting": lambda: declare(Overwriting),
    "aliased": lambda: declare(Aliased),
    "in place": lambda: declare(InPlace),
}


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_passes_are_whole_forward_passes_to_the_bit(name):
    model = MODELS[name]()
    network, whole = build(model, 0), build(model, 0).eval()
    images = torch.randn(5, 3, network.size, network.size, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(3)
    passes = list(masked_passes(network, images, 3))
    for module in whole.modules():
        module.training = isinstance(module, nn.Dropout)
    torch.manual_seed(3)
    assert all(torch.equal(ours, whole(images)) for ours in passes)
    assert not torch.equal(passes[0], passes[1])


@torch.no_grad()
def test_modules_before_the_first_dropout_are_not_computed_again():
    network, calls = build(declare(Residual), 0), []
    forward = nn.Conv2d.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Conv2d, "forward", lambda self, x: calls.append(self) or forward(self, x))
        passes = masked_passes(network, torch.randn(2, 3, 8, 8), 5)
        next(passes)
        calls.clear()
        list(passes)
    assert calls == []
