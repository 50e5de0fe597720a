"""What a training step reads, and how the next batch gets there: always into the same memory, which a graph replays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from bench.data.images import Images
from bench.data.photos import Photographs
from bench.data.splits import Split


class Feed(Protocol):
    """images: what the step chooses from by `index`, (B,) int64: all images, or the batch that was read last."""

    images: Images
    index: Tensor

    def begin(self, order: Tensor, first: int) -> None:
        """An epoch in this order, from where its next batch begins."""

    def take(self, first: int) -> None:
        """The batch that begins there in the order."""


class Resident:
    def __init__(self, images: Images, batch: int) -> None:
        self.images, self.batch = images, batch
        self.index = torch.empty(batch, dtype=torch.int64, device=images.labels.device)

    def begin(self, order: Tensor, first: int) -> None:
        self.order = order

    def take(self, first: int) -> None:
        self.index.copy_(self.order[first : first + self.batch])


class Read:
    def __init__(self, photographs: Photographs, batch: int) -> None:
        self.photographs, self.batch, side = photographs, batch, photographs.pixels.side
        canvas = torch.empty(batch, side, side, 3, dtype=torch.uint8, device=photographs.device)
        self.images = Images(canvas, torch.empty(batch, dtype=torch.int64, device=photographs.device))
        self.index = torch.arange(batch, device=photographs.device)
        self.batches: Iterator[Images] = iter(())

    def begin(self, order: Tensor, first: int) -> None:
        whole = len(order) - len(order) % self.batch
        self.batches = self.photographs.read(order[first:whole], self.batch)

    def take(self, first: int) -> None:
        for mine, read in zip(self.images, next(self.batches), strict=True):
            mine.copy_(read, non_blocking=True)


def feed(images: Split, batch: int) -> Feed:
    return Resident(images, batch) if isinstance(images, Images) else Read(images, batch)
