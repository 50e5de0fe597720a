"""Data sets by name. Each is declared once, by a decorator on the function that decodes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import numpy as np
from PIL import Image

from bench.data.splits import one_in
from bench.spec.errors import InputError

SIDE_PX = 32  # side of a decoded image
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS_NOTE = (
    "These numbers are from scikit-learn's 1,797 handwritten digits, a stand-in that comes with the installation. "
    "Digits are not mirror-invariant and nearly every network learns them: they are no evidence about other images. "
    "Name real images with DATA=<folder> or DATA=cifar10."
)


class LabelledPixels(NamedTuple):
    """Decoded images: pixels (N, SIDE_PX, SIDE_PX, 3) of any integer type in 0..255, and labels (N,)."""

    pixels: np.ndarray
    labels: np.ndarray


class Decoded(NamedTuple):
    """A data set's images, before validation is split off, and the names of its classes."""

    train: LabelledPixels
    test: LabelledPixels
    classes: tuple[str, ...]


Decoder = Callable[[], Decoded]


class Dataset(NamedTuple):
    """A declared data set.

    Attributes:
        title: Its name in reports.
        note: Remark that reports show with every result, or ''.
        decode: Returns its images, downloading them where they are not on disk.
    """

    title: str
    note: str
    decode: Decoder


DATASETS: dict[str, Dataset] = {}


def dataset(name: str, title: str, note: str = "") -> Callable[[Decoder], Decoder]:
    """Declare the decorated function as the decoder of a data set; see `Dataset`."""

    def register(decode: Decoder) -> Decoder:
        DATASETS[name] = Dataset(title, note, decode)
        return decode

    return register


@dataset("digits", title="digits (scikit-learn)", note=DIGITS_NOTE)
def decode_digits() -> Decoded:
    """scikit-learn's digits, resized and in three equal channels; every second image of a class is for testing."""
    from sklearn.datasets import load_digits  # takes a second to import

    raw = load_digits()
    grey = (raw.images * (255 / 16)).round().astype(np.uint8)
    size = (SIDE_PX, SIDE_PX)
    large = np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in grey])
    pixels = np.repeat(large[..., None], 3, axis=3)
    test = one_in(2, raw.target)
    train_images, test_images = (LabelledPixels(pixels[mask], raw.target[mask]) for mask in (~test, test))
    return Decoded(train_images, test_images, tuple("0123456789"))


@dataset("cifar10", title="CIFAR-10")
def decode_cifar10() -> Decoded:
    """The original binaries, by torchvision."""
    from torchvision.datasets import CIFAR10  # imports torch, which no other data set needs

    root = _torchvision_root()
    try:
        train, test = (CIFAR10(root, train=split, download=True) for split in (True, False))
    except (OSError, RuntimeError) as error:
        problem = f"CIFAR-10 could not be downloaded to {root} ({error})"
        raise InputError(f"{problem}; name a folder of images, digits, or another cache by XDG_CACHE_HOME") from error
    train_images, test_images = (LabelledPixels(split.data, np.array(split.targets)) for split in (train, test))
    return Decoded(train_images, test_images, CIFAR10_CLASSES)


def _torchvision_root() -> Path:
    """The folder of torchvision in the user's cache, which XDG_CACHE_HOME names by an absolute path."""
    caches = os.environ.get("XDG_CACHE_HOME", ""), os.path.expanduser("~/.cache")
    cache = next(filter(os.path.isabs, caches), None)
    if cache is None:
        raise InputError("there is no home folder to keep CIFAR-10: name a cache by XDG_CACHE_HOME, or other data")
    return Path(cache, "torchvision")


def cifar10_available(timeout_s: float = 10) -> bool:
    """Whether CIFAR-10 is on disk, or its server answers in time."""
    if os.path.isdir(_torchvision_root() / "cifar-10-batches-py"):  # Path.is_dir raises if it may not be read
        return True
    answers: list[bool] = []

    def connect() -> None:
        with suppress(OSError):
            socket.create_connection(("www.cs.toronto.edu", 443), timeout=timeout_s).close()
            answers.append(True)

    thread = Thread(target=connect, daemon=True)  # a look-up of the server's name has no timeout
    thread.start()
    thread.join(timeout_s)
    return bool(answers)
