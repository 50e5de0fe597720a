"""A trial's training, validation and test images: resident on its device, or streamed from disk."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch

from bench.components.networks import input_shape
from bench.data import photo_index, pixel_cache
from bench.data.image_sets import ImageSet, ResidentImages, SquarePhotos, StreamedPhotos
from bench.data.source import Source
from bench.data.splits import share_count
from bench.spec.jobs import Trial
from bench.spec.seeding import stream_seed


class Splits(NamedTuple):
    """A trial's images, each split in stratified order."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet


def load_splits(trial: Trial, source: Source) -> Splits:
    """Load a trial's images: its share of the training images, padded for its layout, with true or shuffled labels.

    Resident images are not copied: all trials of a process share them.
    """
    splits = Splits(*(_stream_photos if source.photographs else _crop_margins)(trial, source))
    train = splits.train.first(share_count(trial.recipe.share, trial.data.train))
    if trial.recipe.labels == "shuffled":
        generator = torch.Generator().manual_seed(stream_seed(trial.seed, "labels"))
        order = torch.randperm(len(train.labels), generator=generator)
        train = train.with_labels(train.labels[order.to(train.labels.device)])
    return splits._replace(train=train)


def _crop_margins(trial: Trial, source: Source) -> list[ResidentImages]:
    edge = pixel_cache.MARGIN_PX - input_shape(trial.model).pad
    return [
        ResidentImages(canvas[:, edge : canvas.shape[1] - edge, edge : canvas.shape[2] - edge], labels)
        for canvas, labels in _load_resident(source.folder, trial.device)
    ]


def _stream_photos(trial: Trial, source: Source) -> list[StreamedPhotos]:
    side_px = input_shape(trial.model).square_px
    return [
        StreamedPhotos(
            SquarePhotos(source.folder, split, side_px),
            torch.from_numpy(photo_index.labels(source.folder, split)),
            trial.device,
        )
        for split in Splits._fields
    ]


@lru_cache(maxsize=2)
def _load_resident(folder: Path, device: str) -> tuple[ResidentImages, ...]:
    """Load all splits: on a GPU one copy per process, on a CPU the mapped files, which processes share."""
    arrays = pixel_cache.load(folder)
    return tuple(ResidentImages(*(torch.from_numpy(array).to(device) for array in arrays[name])) for name in arrays)
