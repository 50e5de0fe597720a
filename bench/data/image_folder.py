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

from bench.data.datasets import CIFAR10, SIDE, Decoded, Split
from bench.spec.errors import InputError
from bench.system.text import printable

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"}
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")  # whatever the suffix: PIL has PostScript run
DECODING = "2"  # raised where the same files give other pixels, so that what was cached is decoded again


Listing = dict[str, dict[str, list[str]]]  # names of images, by split and class


class Folder(NamedTuple):
    """key: changes with the files' names, sizes and times. decode: reads them all."""

    name: str
    key: str
    decode: Callable[[], Decoded]


def image_folder(root: Path) -> Folder:
    """Any folder with train/<class>/ and test/<class>/; images are cut square and resized to 32x32."""
    found = listing(root, "test")
    train, test = (
        {name: [root / split / name / file for file in files] for name, files in own.items()}
        for split, own in found.items()
    )
    names = tuple(train)
    files = [file for split in (train, test) for images in split.values() for file in images]
    stamp = "\n".join((DECODING, *(_stamp(file, root) for file in files)))
    key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    counts = tuple(sum(map(len, split.values())) for split in (train, test))
    cifar = names == CIFAR10 and counts == (50_000, 10_000)
    jpeg = files[0].suffix.lower() in (".jpg", ".jpeg")
    name = f"CIFAR-10 ({'JPEG copy' if jpeg else 'image folder'})" if cifar else printable(root.resolve().name)
    shown = tuple(map(printable, names))
    return Folder(name, key, lambda: (_decode(train), _decode(test), shown))


def listing(root: Path, test: str) -> Listing:
    """Of train and of the folder with the images to test; InputError where no classifier can be made of them."""
    found = {split: classes(root, split) for split in ("train", test)}
    names = tuple(found["train"])
    if set(names) != set(found[test]):
        odd = ", ".join(sorted(set(names) ^ set(found[test])))
        raise InputError(
            printable(f"the classes in {root}/train and {root}/{test} differ ({odd}): both need the same folders")
        )
    if len(names) < 2:
        raise InputError(printable(f"{root}/train has one class only ({names[0]}): a classifier needs at least two"))
    if single := [name for name, images in found["train"].items() if len(images) < 2]:
        few = f"{root}/train/{single[0]} has one image only"
        raise InputError(printable(f"{few}: a class needs two, since validation takes one"))
    return found


def classes(root: Path, split: str) -> dict[str, list[str]]:
    """The images of each class; what is hidden is passed over."""
    folder = root / split
    if not os.path.isdir(root):  # Path.is_dir raises where a name is too long
        wanted = "DATA takes 'digits', 'cifar10' or a folder with train/ and test/"
        raise InputError(printable(f"there is no folder {root}: {wanted}"))
    if not os.path.isdir(folder):
        expected = "images are expected in train/<class>/ and test/<class>/"
        raise InputError(printable(f"{root} has no folder {split}/ that can be read: {expected}"))
    found = {entry.name: _images(folder / entry.name) for entry in entries(folder) if entry.is_dir()}
    if not found:
        raise InputError(printable(f"{folder} has no folders: images are expected in {split}/<class>/"))
    if empty := [name for name, files in found.items() if not files]:
        bare = folder / empty[0]
        raise InputError(printable(f"there is no image in {bare}: every class needs some in train/ and in test/"))
    return found


def _images(folder: Path) -> list[str]:
    found = entries(folder)
    if nested := [entry.name for entry in found if entry.is_dir()]:
        inner = folder / nested[0]
        raise InputError(printable(f"{inner} is a folder within a class: move its images into {folder}, or remove it"))
    return [entry.name for entry in found if os.path.splitext(entry.name)[1].lower() in SUFFIXES]


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is not hidden, sorted by name."""
    try:
        with os.scandir(folder) as seen:
            found = sorted((e for e in seen if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise InputError(printable(f"{folder} cannot be read ({error.strerror}): allow reading it")) from error
    for entry in found:
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise InputError(printable(f"{entry.path} is a symbolic link that leads nowhere: mend or remove it"))
    return found


def _stamp(file: Path, root: Path) -> str:
    found = regular(file)
    return f"{file.relative_to(root)} {found.st_size} {found.st_mtime_ns}"


def regular(file: Path) -> os.stat_result:
    """What the system knows of the file; InputError where it is none that can be read."""
    try:
        found = file.stat()
    except OSError as error:
        raise InputError(printable(f"{file} cannot be read ({error.strerror}): mend or remove it")) from error
    if not stat.S_ISREG(found.st_mode):  # to open a pipe would wait for ever
        raise InputError(printable(f"{file} is no regular file: remove it"))
    return found


def _decode(classes: dict[str, list[Path]]) -> Split:
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
    return np.stack([_pixels(file) for files in classes.values() for file in files]), labels


def opened(file: Path, least: int = 0) -> Image.Image:
    """The image as a camera held it, in eight bits of red, green and blue; InputError where it cannot be read.

    least: pixels of its shorter side that suffice, where given: a larger JPEG is then decoded at a half or less.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # at 89 million pixels
            with Image.open(file, formats=FORMATS) as image:
                if least:
                    image.draft("RGB", (least, least))
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                shown = _eight_bits(image)
                return shown if shown.mode == "RGB" else shown.convert("RGB")  # neither copies what is as it should be
    except Exception as error:  # a decoder of a damaged file may raise anything
        raise InputError(printable(f"{file} cannot be read as an image ({error}): mend or remove it")) from error


def _pixels(file: Path) -> np.ndarray:
    rgb = opened(file)
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
