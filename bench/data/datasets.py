"""Data sets that are known by name: digits and CIFAR-10."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
from PIL import Image

from bench.data.sampling import one_in
from bench.spec.errors import InputError

SIDE = 32  # pixels are kept at this size
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DIGITS = "digits (scikit-learn)"

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
        raise InputError(f"CIFAR-10 could not be downloaded ({error}); name a folder of images, or digits") from error
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
