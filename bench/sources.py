"""Where images come from: digits, CIFAR-10, or any folder."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from bench.spec import BadInput

SIDE = 32  # pixels are kept at this size
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = "digits (scikit-learn)"
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"}

Split = tuple[np.ndarray, np.ndarray]  # pixels (N, SIDE, SIDE, 3) uint8 and labels (N,)
Decoded = tuple[Split, Split, tuple[str, ...]]  # train, test and the classes' names


def digits() -> Decoded:
    """scikit-learn's digits drawn at 32x32 in three equal channels; every fifth image of a class is for testing."""
    from sklearn.datasets import load_digits  # only here: it takes a second to import

    raw = load_digits()
    grey = (raw.images * (255 / 16)).round().astype(np.uint8)
    drawn = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for image in grey]
    large = np.stack([np.asarray(image) for image in drawn])
    pixels = np.repeat(large[..., None], 3, axis=3)
    test = one_in(5, raw.target)
    return (pixels[~test], raw.target[~test]), (pixels[test], raw.target[test]), tuple("0123456789")


def cifar10() -> Decoded:
    """The original binaries, by torchvision."""
    from torchvision.datasets import CIFAR10 as Original  # imports torch, which only this source needs

    try:
        train, test = (Original(cifar10_root(), train=split, download=True) for split in (True, False))
    except (OSError, RuntimeError) as error:
        raise BadInput(f"CIFAR-10 could not be downloaded ({error}); name a folder of images, or digits") from error
    return (train.data, np.array(train.targets)), (test.data, np.array(test.targets)), CIFAR10


def cifar10_root() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "torchvision"


def cifar10_at_hand(seconds: float = 10) -> bool:
    """Whether CIFAR-10 is on disk, or its server answers in time."""
    if (cifar10_root() / "cifar-10-batches-py").is_dir():
        return True
    answered: list[bool] = []

    def ask() -> None:
        with suppress(OSError):
            socket.create_connection(("www.cs.toronto.edu", 443), timeout=seconds).close()
            answered.append(True)

    asking = Thread(target=ask, daemon=True)  # looking up the name knows no time-out
    asking.start()
    asking.join(seconds)
    return bool(answered)


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
        raise BadInput(f"the classes in {root}/train and {root}/test differ ({odd}): both need the same folders")
    if len(classes) < 2:
        raise BadInput(f"{root}/train has one class only ({classes[0]}): a classifier needs at least two")
    if single := [name for name, images in listing["train"].items() if len(images) < 2]:
        raise BadInput(f"{root}/train/{single[0]} has one image only: a class needs two, since validation takes one")
    files = [file for split in listing.values() for images in split.values() for file in images]
    stamp = "\n".join(f"{f.relative_to(root)} {(s := f.stat()).st_size} {s.st_mtime_ns}" for f in files)
    key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    counts = tuple(sum(map(len, split.values())) for split in listing.values())
    cifar = classes == CIFAR10 and counts == (50_000, 10_000)
    jpeg = files[0].suffix.lower() in (".jpg", ".jpeg")
    name = f"CIFAR-10 ({'JPEG copy' if jpeg else 'image folder'})" if cifar else root.resolve().name
    return Folder(name, key, lambda: (_decode(listing["train"]), _decode(listing["test"]), classes))


def _listing(root: Path, split: str) -> dict[str, list[Path]]:
    folder = root / split
    if not root.is_dir():
        raise BadInput(f"there is no folder {root}: DATA takes 'digits', 'cifar10' or a folder with train/ and test/")
    if not folder.is_dir():
        raise BadInput(f"{root} has no folder {split}/: images are expected in train/<class>/ and test/<class>/")
    folders = sorted(f for f in folder.iterdir() if f.is_dir())
    classes = {f.name: sorted(i for i in f.iterdir() if i.suffix.lower() in SUFFIXES) for f in folders}
    if not classes:
        raise BadInput(f"{folder} has no folders: images are expected in {split}/<class>/")
    if empty := [name for name, files in classes.items() if not files]:
        raise BadInput(f"there is no image in {folder / empty[0]}: every class needs some in train/ and in test/")
    return classes


def _decode(classes: dict[str, list[Path]]) -> Split:
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
    return np.stack([_pixels(file) for files in classes.values() for file in files]), labels


def _pixels(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            rgb = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{file} cannot be read as an image ({error}): mend or remove it") from error
    return np.asarray(rgb if rgb.size == (SIDE, SIDE) else ImageOps.fit(rgb, (SIDE, SIDE), Image.Resampling.BICUBIC))


def one_in(n: int, labels: np.ndarray) -> np.ndarray:
    """A mask of one in n of each class, drawn with a fixed seed."""
    mask = np.zeros(len(labels), dtype=bool)
    shuffled = np.random.default_rng(1).permutation(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        mask[members[: max(1, len(members) // n)]] = True
    return mask
