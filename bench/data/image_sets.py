"""Image sets: resident in a device's memory, or photographs on disk that reader processes decode ahead of the step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from bench.data import photo_index
from bench.data.image_file import open_image
from bench.system import devices, fork_server
from bench.system.process_group import SINGLE, ProcessGroup

PREFETCHED_BATCHES = 4  # batches that each reader decodes in advance
# modules that the readers' fork server imports; `ablate` lets it find `bench` whatever folders are on PYTHONPATH
PRELOADED = ["torch", "torch._dynamo", "ablate", "bench.data.image_sets"]


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
        """The device of all images."""
        return self.canvas.device

    def batches(self, size: int, group: ProcessGroup = SINGLE) -> Iterator[ResidentImages]:
        """Yield this process's part of the images, in their order, `size` at a time."""
        return map(ResidentImages, group.shard(self.canvas).split(size), group.shard(self.labels).split(size))


@dataclass(frozen=True)
class SquarePhotos(Dataset[Tensor]):
    """The photographs of a split, each cut to its middle square and resized to (side_px, side_px, 3) uint8."""

    folder: Path
    split: str
    side_px: int

    def __len__(self) -> int:
        return len(photo_index.names(self.folder, self.split))

    def __getitem__(self, position: int) -> Tensor:
        return decode_square(photo_index.file(self.folder, self.split, position), self.side_px)


class StreamedPhotos(NamedTuple):
    """Photographs on disk.

    Attributes:
        squares: The photographs of a split.
        labels: (N,) int64 on the CPU; photographs after the last label are left out.
        device: The device to which batches are moved.
    """

    squares: SquarePhotos
    labels: Tensor
    device: str

    def first(self, count: int) -> StreamedPhotos:
        """Return the first photographs."""
        return self._replace(labels=self.labels[:count])

    def with_labels(self, labels: Tensor) -> StreamedPhotos:
        """Return the same photographs with other labels, (N,) int64 on the CPU."""
        return self._replace(labels=labels)

    def batches(self, size: int, group: ProcessGroup = SINGLE) -> Iterator[ResidentImages]:
        """Yield this process's part of the photographs, in their order, `size` at a time."""
        return self.read(group.shard(torch.arange(len(self.labels))), size)

    def read(self, order: Tensor, size: int) -> Iterator[ResidentImages]:
        """Yield the photographs at the positions `order`, (M,) int64, `size` at a time, for any number of readers."""
        readers = reader_count(self.device)
        loader = DataLoader(
            self.squares,
            size,
            sampler=order.cpu().numpy(),
            num_workers=readers,
            collate_fn=torch.stack,
            prefetch_factor=PREFETCHED_BATCHES if readers else None,
            pin_memory=self.device == "cuda",
            multiprocessing_context=fork_server.start(PRELOADED) if readers else None,
            generator=torch.Generator(),  # the default is the global one, from which dropout masks are drawn
        )
        for positions, canvas in zip(order.cpu().split(size), loader, strict=True):
            yield ResidentImages(canvas.to(self.device, non_blocking=True), self.labels[positions].to(self.device))


ImageSet = ResidentImages | StreamedPhotos


def decode_square(file: Path, side_px: int) -> Tensor:
    """Decode a photograph's middle square, resized to (side_px, side_px, 3) uint8 (Krizhevsky et al. 2012, sec. 2)."""
    image = open_image(file, side_px)
    edge = min(image.size)
    left, top = ((length - edge) // 2 for length in image.size)
    middle = torch.from_numpy(np.array(image.crop((left, top, left + edge, top + edge))))
    if edge == side_px:
        return middle
    resized = functional.interpolate(middle.permute(2, 0, 1)[None], (side_px, side_px), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0)


def reader_count(device: str) -> int:
    """Return the number of reader processes of one trial; 0 on a CPU, whose cores all train."""
    if device == "cpu":
        return 0
    processes = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get(devices.WORKERS_VARIABLE) or 0)  # torchrun's
    concurrent_trials = processes or devices.worker_count(device)
    return max(1, devices.core_count() // concurrent_trials - 1)
