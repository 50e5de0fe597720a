"""A trial's images, resident on its device."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from bench import decoded
from bench.data import Source
from bench.layouts import LAYOUTS
from bench.model import generator
from bench.spec import Trial


class Images(NamedTuple):
    """A split: canvas (N, C, C, 3) uint8, with the layout's padding on each side; labels (N,) int64."""

    canvas: Tensor
    labels: Tensor

    def first(self, count: int) -> Images:
        return Images(self.canvas[:count], self.labels[:count])


class Splits(NamedTuple):
    train: Images
    validation: Images
    test: Images


def splits(trial: Trial, source: Source) -> Splits:
    """The trial's images in stratified order, padded as its layout wants; labels shuffled if asked. Nothing is copied:
    every trial of a process looks at the same memory."""
    edge = decoded.MARGIN - LAYOUTS[trial.model.layout].pad
    train, validation, test = (
        Images(canvas[:, edge : canvas.shape[1] - edge, edge : canvas.shape[2] - edge], labels)
        for canvas, labels in _resident(source.folder, trial.device)
    )
    train = train.first(max(1, round(trial.recipe.share * trial.data.train)))
    if trial.recipe.labels == "shuffled":
        order = torch.randperm(len(train.labels), generator=generator(trial.seed, "labels"))
        train = train._replace(labels=train.labels[order.to(trial.device)])
    return Splits(train, validation, test)


@lru_cache(maxsize=2)
def _resident(folder: Path, device: str) -> Splits:
    """All of a data set: on a GPU a copy a process, on a CPU the mapped files, which processes share."""
    loaded = decoded.load(folder)
    return Splits(*(Images(*(torch.from_numpy(array).to(device) for array in loaded[name])) for name in Splits._fields))
