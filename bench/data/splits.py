"""A trial's images: resident on its device, or photographs that are read as they are wanted."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch

from bench.components.layouts import LAYOUTS
from bench.data import photo_index, pixel_cache
from bench.data.images import Images
from bench.data.photos import Photographs, Pixels
from bench.data.sampling import trained_on
from bench.data.source import Source
from bench.spec.jobs import Trial
from bench.spec.seeding import stream_seed

Split = Images | Photographs


class Splits(NamedTuple):
    train: Split
    validation: Split
    test: Split


def splits(trial: Trial, source: Source) -> Splits:
    """The trial's images in stratified order, padded as its layout wants; labels shuffled if asked. Nothing is copied:
    every trial of a process looks at the same memory."""
    if source.photographs:
        return _photographs(trial, source)
    edge = pixel_cache.MARGIN - LAYOUTS[trial.model.layout].pad
    train, validation, test = (
        Images(canvas[:, edge : canvas.shape[1] - edge, edge : canvas.shape[2] - edge], labels)
        for canvas, labels in _resident(source.folder, trial.device)
    )
    return _asked(trial, train, validation, test)


def _asked(trial: Trial, train: Split, validation: Split, test: Split) -> Splits:
    """The trial's share of the training images, with its labels."""
    train = train.first(trained_on(trial.recipe.share, trial.data.train))
    if trial.recipe.labels == "shuffled":
        order = torch.randperm(
            len(train.labels), generator=torch.Generator().manual_seed(stream_seed(trial.seed, "labels"))
        )
        train = train.labelled(train.labels[order.to(train.labels.device)])
    return Splits(train, validation, test)


def _photographs(trial: Trial, source: Source) -> Splits:
    side = LAYOUTS[trial.model.layout].kept
    train, validation, test = (
        Photographs(
            Pixels(source.folder, split, side), torch.from_numpy(photo_index.labels(source.folder, split)), trial.device
        )
        for split in Splits._fields
    )
    return _asked(trial, train, validation, test)


@lru_cache(maxsize=2)
def _resident(folder: Path, device: str) -> tuple[Images, ...]:
    """All of a data set: on a GPU a copy a process, on a CPU the mapped files, which processes share."""
    loaded = pixel_cache.load(folder)
    return tuple(Images(*(torch.from_numpy(array).to(device) for array in loaded[name])) for name in Splits._fields)
