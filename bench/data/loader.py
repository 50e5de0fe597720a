"""Loaders: each batch comes into the same memory, from which a CUDA graph replays the training step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from bench.data.image_sets import ImageSet, ResidentImages, StreamedPhotos


class Loader(Protocol):
    """Feeds a training step.

    Attributes:
        images: Contain the batch: all images of a split, or the batch that was read last.
        index: (B,) int64, the batch's positions in `images`.
    """

    images: ResidentImages
    index: Tensor

    def begin_epoch(self, order: Tensor, start: int) -> None:
        """Begin an epoch in the given order, (N,) int64, at the batch that starts at position `start`."""

    def load(self, start: int) -> None:
        """Load the batch that starts at a position of the order; batches follow one another."""


class ResidentLoader:
    """Selects each batch, by its positions, among images on the device."""

    def __init__(self, images: ResidentImages, batch: int) -> None:
        self.images, self.batch = images, batch
        self.index = torch.empty(batch, dtype=torch.int64, device=images.labels.device)

    def begin_epoch(self, order: Tensor, start: int) -> None:
        """Begin an epoch; see `Loader`."""
        self.order = order

    def load(self, start: int) -> None:
        """Load a batch; see `Loader`."""
        self.index.copy_(self.order[start : start + self.batch])


class StreamingLoader:
    """Copies each batch of photographs, as readers decode it, to the device."""

    def __init__(self, photos: StreamedPhotos, batch: int) -> None:
        self.photos, self.batch, side_px = photos, batch, photos.squares.side_px
        canvas = torch.empty(batch, side_px, side_px, 3, dtype=torch.uint8, device=photos.device)
        self.images = ResidentImages(canvas, torch.empty(batch, dtype=torch.int64, device=photos.device))
        self.index = torch.arange(batch, device=photos.device)
        self.batches: Iterator[ResidentImages] = iter(())

    def begin_epoch(self, order: Tensor, start: int) -> None:
        """Begin an epoch; see `Loader`."""
        end = len(order) - len(order) % self.batch
        self.batches = self.photos.read(order[start:end], self.batch)

    def load(self, start: int) -> None:
        """Load a batch; see `Loader`."""
        for target, read in zip(self.images, next(self.batches), strict=True):
            target.copy_(read, non_blocking=True)


def make_loader(images: ImageSet, batch: int) -> Loader:
    """Return the loader for a set of images, with batches of a fixed size."""
    return ResidentLoader(images, batch) if isinstance(images, ResidentImages) else StreamingLoader(images, batch)
