"""Any folder of images as a data set."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from bench.sources import CIFAR10, SIDE, Decoded, Split, line
from bench.spec import BadInput

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"}
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")  # whatever the suffix: PIL has PostScript run
DECODING = "2"  # raised where the same files give other pixels, so that what was cached is decoded again


class Folder(NamedTuple):
    """key: changes with the files' names, sizes and times. decode: reads them all."""

    name: str
    key: str
    decode: Callable[[], Decoded]


def image_folder(root: Path) -> Folder:
    """Any folder with train/<class>/ and test/<class>/; images are cut square and resized to 32x32."""
    listing = {split: _listing(root, split) for split in ("train", "test")}
    classes = tuple(listing["train"])
    if set(classes) != set(listing["test"]):
        odd = ", ".join(sorted(set(classes) ^ set(listing["test"])))
        raise BadInput(line(f"the classes in {root}/train and {root}/test differ ({odd}): both need the same folders"))
    if len(classes) < 2:
        raise BadInput(line(f"{root}/train has one class only ({classes[0]}): a classifier needs at least two"))
    if single := [name for name, images in listing["train"].items() if len(images) < 2]:
        few = f"{root}/train/{single[0]} has one image only"
        raise BadInput(line(f"{few}: a class needs two, since validation takes one"))
    files = [file for split in listing.values() for images in split.values() for file in images]
    stamp = "\n".join((DECODING, *(_stamp(file, root) for file in files)))
    key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    counts = tuple(sum(map(len, split.values())) for split in listing.values())
    cifar = classes == CIFAR10 and counts == (50_000, 10_000)
    jpeg = files[0].suffix.lower() in (".jpg", ".jpeg")
    name = f"CIFAR-10 ({'JPEG copy' if jpeg else 'image folder'})" if cifar else line(root.resolve().name)
    names = tuple(map(line, classes))
    return Folder(name, key, lambda: (_decode(listing["train"]), _decode(listing["test"]), names))


def _listing(root: Path, split: str) -> dict[str, list[Path]]:
    """The images of each class; what is hidden is passed over."""
    folder = root / split
    if not os.path.isdir(root):  # Path.is_dir raises where a name is too long
        wanted = "DATA takes 'digits', 'cifar10' or a folder with train/ and test/"
        raise BadInput(line(f"there is no folder {root}: {wanted}"))
    if not os.path.isdir(folder):
        expected = "images are expected in train/<class>/ and test/<class>/"
        raise BadInput(line(f"{root} has no folder {split}/ that can be read: {expected}"))
    classes = {entry.name: _images(folder / entry.name) for entry in _entries(folder) if entry.is_dir()}
    if not classes:
        raise BadInput(line(f"{folder} has no folders: images are expected in {split}/<class>/"))
    if empty := [name for name, files in classes.items() if not files]:
        bare = folder / empty[0]
        raise BadInput(line(f"there is no image in {bare}: every class needs some in train/ and in test/"))
    return classes


def _images(folder: Path) -> list[Path]:
    entries = _entries(folder)
    if nested := [entry.name for entry in entries if entry.is_dir()]:
        inner = folder / nested[0]
        raise BadInput(line(f"{inner} is a folder within a class: move its images into {folder}, or remove it"))
    return [file for file in (folder / e.name for e in entries) if file.suffix.lower() in SUFFIXES]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is not hidden, sorted by name."""
    try:
        with os.scandir(folder) as found:
            entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise BadInput(line(f"{folder} cannot be read ({error.strerror}): allow reading it")) from error
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise BadInput(line(f"{entry.path} is a symbolic link that leads nowhere: mend or remove it"))
    return entries


def _stamp(file: Path, root: Path) -> str:
    try:
        found = file.stat()
    except OSError as error:
        raise BadInput(line(f"{file} cannot be read ({error.strerror}): mend or remove it")) from error
    if not stat.S_ISREG(found.st_mode):  # to open a pipe would wait for ever
        raise BadInput(line(f"{file} is no regular file: remove it"))
    return f"{file.relative_to(root)} {found.st_size} {found.st_mtime_ns}"


def _decode(classes: dict[str, list[Path]]) -> Split:
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
    return np.stack([_pixels(file) for files in classes.values() for file in files]), labels


def _pixels(file: Path) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # at 89 million pixels
            with Image.open(file, formats=FORMATS) as image:
                rgb = _eight_bits(ImageOps.exif_transpose(image)).convert("RGB")
    except Exception as error:  # a decoder of a damaged file may raise anything
        raise BadInput(line(f"{file} cannot be read as an image ({error}): mend or remove it")) from error
    return np.asarray(rgb if rgb.size == (SIDE, SIDE) else ImageOps.fit(rgb, (SIDE, SIDE), Image.Resampling.BICUBIC))


def _eight_bits(image: Image.Image) -> Image.Image:
    """PIL would cut 16 bits off at 255 instead of scaling them."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    return Image.fromarray((values // 0x101).astype(np.uint8))
