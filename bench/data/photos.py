"""Images too large for memory: an index of them on disk, and readers that decode them as they are wanted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from bench.data import image_folder, photo_index
from bench.data.images import Images
from bench.system import devices
from bench.system.process_group import SINGLE, ProcessGroup

AHEAD = 4  # batches that a reader has ready
PRELOADED = ["torch", "torch._dynamo", "bench.data.photos"]  # by the server that readers fork from: they start at once


class Photographs:
    """A split on disk, or the first of it: as many as there are labels, (N,) int64 on the CPU. What is read comes to
    `device`."""

    def __init__(self, pixels: Pixels, labels: Tensor, device: str) -> None:
        self.pixels, self.labels, self.device = pixels, labels, device

    def first(self, count: int) -> Photographs:
        return Photographs(self.pixels, self.labels[:count], self.device)

    def labelled(self, labels: Tensor) -> Photographs:
        return Photographs(self.pixels, labels, self.device)

    def batches(self, size: int, ranks: ProcessGroup = SINGLE) -> Iterator[Images]:
        return self.read(ranks.mine(torch.arange(len(self.labels))), size)

    def read(self, order: Tensor, size: int) -> Iterator[Images]:
        """In this order, so many at a time, whatever the number of readers."""
        count = readers(self.device)
        if count:
            multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
        loader = DataLoader(
            self.pixels,
            size,
            sampler=order.cpu().numpy(),
            num_workers=count,
            collate_fn=torch.stack,
            prefetch_factor=AHEAD if count else None,
            pin_memory=self.device == "cuda",
            multiprocessing_context="forkserver" if count else None,
            generator=torch.Generator(),  # else it draws from the one that serves dropout masks
        )
        for places, canvas in zip(order.cpu().split(size), loader, strict=True):
            yield Images(canvas.to(self.device, non_blocking=True), self.labels[places].to(self.device))


class Pixels(Dataset[Tensor]):
    """Of each photograph the square in its middle, resized to (side, side, 3) uint8."""

    def __init__(self, folder: Path, split: str, side: int) -> None:
        self.folder, self.split, self.side = folder, split, side

    def __len__(self) -> int:
        return len(photo_index.names(self.folder, self.split))

    def __getitem__(self, place: int) -> Tensor:
        return square(photo_index.file(self.folder, self.split, place), self.side)


def square(file: Path, side: int) -> Tensor:
    """(side, side, 3) uint8: the photograph's middle square, resized (Krizhevsky et al. 2012, section 2)."""
    rgb = image_folder.opened(file, side)
    edge = min(rgb.size)
    left, top = ((length - edge) // 2 for length in rgb.size)
    middle = torch.from_numpy(np.array(rgb.crop((left, top, left + edge, top + edge))))
    if edge == side:
        return middle
    resized = functional.interpolate(middle.permute(2, 0, 1)[None], (side, side), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0)


def readers(device: str) -> int:
    """Processes that decode for one trial. On a CPU the trial decodes for itself: its neighbours train meanwhile."""
    if device == "cpu":
        return 0
    trials = int(os.environ.get("LOCAL_WORLD_SIZE", 0)) or devices.workers(device)  # at once: torchrun's, or a pool's
    return max(1, devices.cores() // trials - 1)
