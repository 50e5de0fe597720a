"""Images that lie in their device's memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bench.system.process_group import SINGLE, ProcessGroup


class ResidentImages(NamedTuple):
    """Images and labels in memory.

    Attributes:
        canvas: (N, C, C, 3) uint8, with the layout's padding on each side.
        labels: (N,) int64.
    """

    canvas: Tensor
    labels: Tensor

    def first(self, count: int) -> ResidentImages:
        """Return the first images."""
        return ResidentImages(self.canvas[:count], self.labels[:count])

    def with_labels(self, labels: Tensor) -> ResidentImages:
        """Return the same images with other labels, (N,) int64."""
        return self._replace(labels=labels)

    @property
    def device(self) -> torch.device:
        return self.canvas.device

    def batches(self, size: int, group: ProcessGroup = SINGLE) -> Iterator[ResidentImages]:
        """Yield this process's part of the images, in their order, `size` at a time."""
        return map(ResidentImages, group.shard(self.canvas).split(size), group.shard(self.labels).split(size))
