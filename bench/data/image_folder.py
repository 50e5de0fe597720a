"""A folder of images, train/<class>/ and test/<class>/, as a data set."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.data.datasets import CIFAR10_CLASSES, SIDE_PX, Decoded, Decoder, LabelledPixels
from bench.data.image_file import FORMATS, decode_thumbnail, stat_regular, suffixes
from bench.spec.errors import InputError
from bench.spec.fields import list_names
from bench.system.text import printable

DECODING = "3"  # increase it if the same files decode to other pixels, so that caches are rebuilt

# suffixes and names of files that often accompany images; no note mentions them
COMPANIONS = {".csv", ".db", ".html", ".ini", ".json", ".md", ".txt", ".xml", ".yaml", ".yml", "license", "readme"}
OTHER_SPLITS = ("val", "valid", "validation")


class SplitFiles(NamedTuple):
    """The files of a split, as paths under the root: the images of each class, and files that are not used."""

    images: dict[str, list[str]]
    unused: list[str]


class ImageFolder(NamedTuple):
    """A folder that can be decoded; its key changes with the names, sizes and times of its files.

    Attributes:
        title: Its name in reports.
        key: Its name in the cache.
        decode: Returns its images.
        note: Remark about files that are not used, or ''.
    """

    title: str
    key: str
    decode: Decoder
    note: str


def open_folder(root: Path) -> ImageFolder:
    """List a folder's images; raise InputError if they make no data set. Decoding resizes them to a square."""
    splits = list_splits(root, "test")
    train, test = (split.images for split in splits.values())
    counts = tuple(sum(map(len, images.values())) for images in (train, test))
    is_cifar10 = tuple(train) == CIFAR10_CLASSES and counts == (50_000, 10_000)
    is_jpeg = next(iter(train.values()))[0].lower().endswith((".jpg", ".jpeg"))
    cifar10_title = f"CIFAR-10 ({'JPEG copy' if is_jpeg else 'image folder'})"
    title = cifar10_title if is_cifar10 else printable(root.resolve().name)
    classes = tuple(map(printable, train))
    key = digest_status(root, splits, DECODING)
    note = describe_unused(root, splits)
    return ImageFolder(title, key, lambda: Decoded(_decode(root, train), _decode(root, test), classes), note)


def list_splits(root: Path, test: str) -> dict[str, SplitFiles]:
    """List train and a test folder, in one order of classes; raise InputError unless they make a classifier's data."""
    train, test_split = (list_classes(root, split) for split in ("train", test))
    classes = tuple(train.images)
    if set(classes) != set(test_split.images):
        differing = list_names(sorted(set(classes) ^ set(test_split.images)))
        raise InputError(f"the classes in {root}/train and {root}/{test} differ ({differing}): expected the same")
    if len(classes) < 2:
        raise InputError(f"{root}/train has one class only ({classes[0]}): a classifier needs at least two")
    if single := [name for name, images in train.images.items() if len(images) < 2]:
        raise InputError(f"{root}/train/{single[0]} has one image only: a class needs two, since validation takes one")
    ordered = {name: test_split.images[name] for name in classes}
    return {"train": train, test: test_split._replace(images=ordered)}


def list_classes(root: Path, split: str) -> SplitFiles:
    """List the images of each class in a split's folder, without hidden ones.

    A class is named by the composed form (NFC) of its folder's name, which macOS writes in the decomposed form.
    """
    folder = root / split
    if not os.path.isdir(folder):
        raise InputError(f"{root} has no folder {split}/ that can be read: expected train/<class>/ and test/<class>/")
    entries = list_entries(folder)
    class_folders = [entry.name for entry in entries if entry.is_dir()]
    if not class_folders:
        raise InputError(f"{folder} has no folders: images are expected in {split}/<class>/")
    unused = [f"{split}/{entry.name}" for entry in entries if not entry.is_dir()]
    images: dict[str, list[str]] = {}
    for class_folder in class_folders:
        name = unicodedata.normalize("NFC", class_folder)
        if name in images:
            raise InputError(f"{folder} has two folders that are both shown as {name}: merge them")
        paths = [f"{split}/{class_folder}/{file}" for file in _list_files(folder / class_folder)]
        images[name] = [path for path in paths if _suffix(path) in suffixes()]
        unused += [path for path in paths if _suffix(path) not in suffixes()]
        if not images[name]:
            problem = f"there is no image in {folder / class_folder}: every class needs some in train/ and in test/"
            raise InputError(f"{problem}, of format {', '.join(FORMATS)}")
    return SplitFiles(images, [path for path in unused if not _is_companion(path)])


def describe_unused(root: Path, splits: dict[str, SplitFiles]) -> str:
    """State which files of the splits, and which other folders under the root, are not used; '' if there are none."""
    folders = [name for name in OTHER_SPLITS if name not in splits and os.path.isdir(root / name)]
    remarks = [f"{name}/ is not used: validation is one in ten of train/." for name in folders]
    kinds = Counter(_suffix(path) or "no suffix" for split in splits.values() for path in split.unused)
    if kinds:
        counts = ", ".join(f"{printable(kind)}: {count:,}" for kind, count in kinds.most_common(5))
        place = f"{'/ and '.join(splits)}/"
        reason = "because of their format, or outside of a class's folder"
        remarks.append(f"Files in {place} that are not used, {reason}: {kinds.total():,} ({counts}).")
    return " ".join(remarks)


def digest_status(root: Path, splits: dict[str, SplitFiles], *further: str) -> str:
    """Return a digest that changes with the names, sizes and times of all images, and with further words."""
    stamps = [*further]
    for path in chain(*(paths for split in splits.values() for paths in split.images.values())):
        size, modified_ns, changed_ns = stat_regular(os.path.join(root, path))
        stamps.append(f"{path} {size} {modified_ns} {changed_ns}")
    return hashlib.sha256("\n".join(stamps).encode("utf-8", "surrogateescape")).hexdigest()[:16]


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


def _list_files(folder: Path) -> list[str]:
    entries = list_entries(folder)
    if nested := [entry.name for entry in entries if entry.is_dir()]:
        problem = f"{folder / nested[0]} is a folder within a class"
        raise InputError(f"{problem}: move its images into {folder}, or remove it")
    return [entry.name for entry in entries]


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _is_companion(path: str) -> bool:
    return (_suffix(path) or os.path.basename(path).lower()) in COMPANIONS


def _decode(root: Path, images: dict[str, list[str]]) -> LabelledPixels:
    labels = np.repeat(np.arange(len(images)), [len(paths) for paths in images.values()])
    pixels = [decode_thumbnail(root / path, SIDE_PX) for paths in images.values() for path in paths]
    return LabelledPixels(np.stack(pixels), labels)
