"""Small networks as a study file would declare them."""

import itertools

from torch import nn

from bench.components.networks import NETWORKS, DeclaredNetwork
from bench.spec.config import ModelConfig

numbers = itertools.count()


def declare(build, factors=None, levels=(), classes=10, **fields):
    """Declare a network under a name of its own; return a configuration of it."""
    name = f"net@{next(numbers):016x}"
    NETWORKS[name] = DeclaredNetwork(build, factors or {}, **{"size": 8, "pad": 0} | fields)
    return ModelConfig(classes=classes, network=name, factors=tuple(levels))


class Block(nn.Module):
    """Two 3x3 convolutions with a skip connection; one ReLU runs twice."""

    def __init__(self, channels, skip=True):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.relu, self.skip = nn.ReLU(inplace=True), skip

    def forward(self, x):
        y = self.conv2(self.relu(self.bn1(self.conv1(x))))
        return self.relu(y + x if self.skip else y)


class Residual(nn.Module):
    """A stem, a block, dropout, and a classifier."""

    def __init__(self, classes, skip=True, extra=False, dropout=0.5):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.block = Block(4, skip)
        self.extra = nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU()) if extra else nn.Identity()
        self.drop, self.fc = nn.Dropout(dropout), nn.Linear(4, classes)

    def forward(self, images):
        return self.fc(self.drop(self.extra(self.block(self.stem(images))).mean((2, 3))))
