"""A folder of images, train/<class>/ and test/<class>/, as a data set."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.data.datasets import CIFAR10_CLASSES, SIDE_PX, Decoded, Decoder, LabelledPixels
from bench.data.image_file import SUFFIXES, decode_thumbnail, stat_regular
from bench.spec.errors import InputError
from bench.system.text import printable

DECODING = "2"  # increase it if the same files decode to other pixels, so that caches are rebuilt

Listing = dict[str, dict[str, list[str]]]  # file names, by split and class


class ImageFolder(NamedTuple):
    """A folder that can be decoded; its key changes with the names, sizes and times of its files."""

    title: str
    key: str
    decode: Decoder


def open_folder(root: Path) -> ImageFolder:
    """List a folder's images; raise InputError if they make no data set. Decoding resizes them to a square."""
    train, test = (
        {name: [root / split / name / file for file in files] for name, files in files_by_class.items()}
        for split, files_by_class in list_splits(root, "test").items()
    )
    files = [file for split in (train, test) for images in split.values() for file in images]
    stamp = "\n".join((DECODING, *(_stamp(file, root) for file in files)))
    key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    counts = tuple(sum(map(len, split.values())) for split in (train, test))
    is_cifar10 = tuple(train) == CIFAR10_CLASSES and counts == (50_000, 10_000)
    is_jpeg = files[0].suffix.lower() in (".jpg", ".jpeg")
    cifar10_title = f"CIFAR-10 ({'JPEG copy' if is_jpeg else 'image folder'})"
    title = cifar10_title if is_cifar10 else printable(root.resolve().name)
    classes = tuple(map(printable, train))
    return ImageFolder(title, key, lambda: Decoded(_decode(train), _decode(test), classes))


def list_splits(root: Path, test: str) -> Listing:
    """List the images of train and of a test folder by class; raise InputError unless they make a classifier's data."""
    listing = {split: list_classes(root, split) for split in ("train", test)}
    classes = tuple(listing["train"])
    if set(classes) != set(listing[test]):
        differing = ", ".join(sorted(set(classes) ^ set(listing[test])))
        raise InputError(f"the classes in {root}/train and {root}/{test} differ ({differing}): expected the same")
    if len(classes) < 2:
        raise InputError(f"{root}/train has one class only ({classes[0]}): a classifier needs at least two")
    if single := [name for name, images in listing["train"].items() if len(images) < 2]:
        raise InputError(f"{root}/train/{single[0]} has one image only: a class needs two, since validation takes one")
    return listing


def list_classes(root: Path, split: str) -> dict[str, list[str]]:
    """List the images of each class in a split's folder, without hidden ones."""
    folder = root / split
    if not os.path.isdir(folder):
        raise InputError(f"{root} has no folder {split}/ that can be read: expected train/<class>/ and test/<class>/")
    files_by_class = {entry.name: _list_images(folder / entry.name) for entry in list_entries(folder) if entry.is_dir()}
    if not files_by_class:
        raise InputError(f"{folder} has no folders: images are expected in {split}/<class>/")
    if empty := [name for name, files in files_by_class.items() if not files]:
        raise InputError(f"there is no image in {folder / empty[0]}: every class needs some in train/ and in test/")
    return files_by_class


def list_entries(folder: Path) -> list[os.DirEntry[str]]:
    """List a folder's entries by name, without hidden ones; raise InputError if one leads nowhere."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted((e for e in scan if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror}): allow reading it") from error
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise InputError(f"{entry.path} is a symbolic link that leads nowhere: repair or remove it")
    return entries


def _list_images(folder: Path) -> list[str]:
    entries = list_entries(folder)
    if nested := [entry.name for entry in entries if entry.is_dir()]:
        problem = f"{folder / nested[0]} is a folder within a class"
        raise InputError(f"{problem}: move its images into {folder}, or remove it")
    return [entry.name for entry in entries if os.path.splitext(entry.name)[1].lower() in SUFFIXES]


def _stamp(file: Path, root: Path) -> str:
    status = stat_regular(file)
    return f"{file.relative_to(root)} {status.st_size} {status.st_mtime_ns}"


def _decode(files_by_class: dict[str, list[Path]]) -> LabelledPixels:
    labels = np.repeat(np.arange(len(files_by_class)), [len(files) for files in files_by_class.values()])
    pixels = [decode_thumbnail(file, SIDE_PX) for files in files_by_class.values() for file in files]
    return LabelledPixels(np.stack(pixels), labels)
