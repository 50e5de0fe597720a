"""A split that lies on its device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bench.system.process_group import SINGLE, ProcessGroup


class Images(NamedTuple):
    """A split: canvas (N, C, C, 3) uint8, with the layout's padding on each side; labels (N,) int64."""

    canvas: Tensor
    labels: Tensor

    def first(self, count: int) -> Images:
        return Images(self.canvas[:count], self.labels[:count])

    def labelled(self, labels: Tensor) -> Images:
        return self._replace(labels=labels)

    @property
    def device(self) -> torch.device:
        return self.canvas.device

    def batches(self, size: int, ranks: ProcessGroup = SINGLE) -> Iterator[Images]:
        """In this order, so many at a time: what this process looks at."""
        return map(Images, ranks.mine(self.canvas).split(size), ranks.mine(self.labels).split(size))
