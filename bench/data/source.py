"""Data sets by name: found, and what is known of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import REVISION
from bench.data import datasets, image_folder, photo_index, pixel_cache
from bench.data.datasets import SIDE, Decoded
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.system.text import printable

DIGITS_NOTE = (
    "These numbers are from scikit-learn's 1,797 handwritten digits, a stand-in that comes with the installation. "
    "Digits are not mirror-invariant and nearly every network learns them: do not read them as evidence about AlexNet. "
    "Name real images with DATA=<folder> or DATA=cifar10."
)


@dataclass(frozen=True)
class Source:
    """Where decoded pixels lie, or the index of photographs that stay as they are, and what is known of them.

    note: what every reader of a result must be told, or ''.
    """

    data: DataConfig
    folder: Path
    classes: tuple[str, ...]
    validation: int
    test: int
    shared_images: int
    note: str
    photographs: bool = False

    def facts(self) -> dict[str, Any]:
        """For records and reports."""
        return {
            "name": self.data.name,
            "digest": self.data.digest,
            "classes": list(self.classes),
            "train": self.data.train,
            "validation": self.validation,
            "test": self.test,
            "shared_images": self.shared_images,
            "note": self.note,
        }


def locate(wanted: str, out: Path, photographs: bool = False) -> Source:
    """The data set called `wanted`, decoded into the cache under `out`.

    photographs: they stay where they are, and only an index of them is made: of a folder with train/<class>/ and
    test/<class>/ or val/<class>/.

    wanted: 'digits', 'cifar10' (downloaded where it is not on disk), a folder with train/<class>/ and test/<class>/,
    or 'auto': ABLATE_DATA where it is set, else CIFAR-10 where it is on disk or its server answers within ten seconds,
    else digits.
    """
    cache = out / "cache"
    if wanted == "auto":
        wanted = os.environ.get("ABLATE_DATA") or wanted
    if photographs:
        return _photographs(wanted, cache)
    if wanted == "auto":
        return _automatic(cache)
    if wanted == "digits":
        return cached(cache, "digits", datasets.DIGITS, datasets.digits, DIGITS_NOTE)
    if wanted == "cifar10":
        return cached(cache, "cifar10", "CIFAR-10", datasets.cifar10, "")
    if not wanted:
        raise InputError("DATA is empty: it takes 'auto', 'digits', 'cifar10' or a folder with train/ and test/")
    folder = image_folder.image_folder(Path(os.path.expanduser(wanted)))
    return cached(cache, folder.key, folder.name, folder.decode, "")


def _photographs(wanted: str, cache: Path) -> Source:
    if wanted in ("", "auto", "digits", "cifar10"):
        raise InputError(
            f"DATA is {wanted!r}: this profile takes a folder of photographs, with train/ and val/ or test/"
        )
    root = Path(os.path.expanduser(wanted))
    folder = cache / f"{photo_index.key(root)}-photographs-{REVISION}"
    return _source(photo_index.facts(root, folder), folder, printable(root.resolve().name), "", photographs=True)


def _automatic(cache: Path) -> Source:
    """CIFAR-10 where it can be had, else digits, with a note that says so."""
    reason = "no data was named, and CIFAR-10 is neither on disk nor within reach"
    if datasets.cifar10_at_hand():
        try:
            return cached(cache, "cifar10", "CIFAR-10", datasets.cifar10, "")
        except InputError as error:
            reason = str(error)
    return cached(cache, "digits", datasets.DIGITS, datasets.digits, f"{DIGITS_NOTE} (Why digits: {reason}.)")


def cached(cache: Path, key: str, name: str, decode: Callable[[], Decoded], note: str) -> Source:
    """Decode once; later calls map the same files."""
    folder = cache / f"{key}-{SIDE}+{pixel_cache.MARGIN}-{REVISION}"
    facts = pixel_cache.facts(folder, decode)
    if facts["shared_images"]:
        shared = f"{facts['shared_images']} of {facts['test']} test images also stand, pixel for pixel, in train."
        note = f"{note} {shared}".strip()
    return _source(facts, folder, name, note)


def _source(facts: dict[str, Any], folder: Path, name: str, note: str, photographs: bool = False) -> Source:
    classes, counts = tuple(facts["classes"]), (facts["validation"], facts["test"], facts["shared_images"])
    data = DataConfig(facts["digest"], len(classes), facts["train"], facts["chance"], name)
    return Source(data, folder, classes, *counts, note, photographs)
