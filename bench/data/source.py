"""Data sets by name or folder, decoded into the cache or indexed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import REVISION
from bench.data import image_folder, photo_index, pixel_cache
from bench.data.datasets import DATASETS, SIDE_PX, Decoder, cifar10_available
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.system.text import printable


@dataclass(frozen=True)
class Source:
    """A data set on disk, and facts about it.

    Attributes:
        data: Its identity.
        folder: The folder of its decoded pixels, or of the index of its photographs.
        classes: The names of its classes.
        validation: Number of images split off from the training images.
        test: Number of test images.
        shared_images: Number of test images that are identical to a training image.
        note: Remark that reports show with every result, or ''.
        photographs: Whether the images stay in their folder, and `folder` holds an index of them.
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
        """Return the part 'data' of a trial's record."""
        data = self.data
        identity = {"name": data.name, "digest": data.digest, "classes": list(self.classes), "train": data.train}
        return identity | {name: getattr(self, name) for name in ("validation", "test", "shared_images", "note")}


def locate(name: str, out: Path, photographs: bool = False) -> Source:
    """Locate a data set, and decode or index it under an output folder if that is not yet done.

    Args:
        name: A name in `DATASETS`; a folder with train/<class>/ and test/<class>/ (photographs: or val/<class>/); or
            'auto': $ABLATE_DATA if it is set, else CIFAR-10 if it is available, else digits.
        out: The output folder, whose cache is used.
        photographs: Whether images stay where they are, to be read during training.

    Raises:
        InputError: The name is unknown, or the images cannot be used.
    """
    cache = out / "cache"
    if name == "auto":
        name = os.environ.get("ABLATE_DATA") or name
    if photographs:
        return _index_photographs(name, cache)
    if name == "auto":
        return _locate_default(cache)
    if name in DATASETS:
        return _locate_named(name, cache, _describe_namesake(name))
    folder = image_folder.open_folder(_existing_folder(name))
    return locate_decoded(cache, folder.key, folder.title, folder.decode, folder.note)


def locate_decoded(cache: Path, key: str, title: str, decode: Decoder, note: str = "") -> Source:
    """Decode a data set into the cache, if that is not yet done.

    Args:
        cache: The folder of all decoded data sets.
        key: The name of this one in the cache.
        title: Its name in reports.
        decode: Returns its images.
        note: Remark that reports show with every result, or ''.
    """
    folder = cache / f"{key}-{SIDE_PX}+{pixel_cache.MARGIN_PX}-{REVISION}"
    facts = pixel_cache.load_or_decode(folder, decode)
    if facts["shared_images"]:
        shared = f"{facts['shared_images']} of {facts['test']} test images also stand, pixel for pixel, in train."
        note = f"{note} {shared}".strip()
    if ambiguous_count := facts.get("ambiguous_images"):  # caches of earlier versions lack it
        count = facts["train"] + facts["validation"]
        ambiguous = f"{ambiguous_count} of {count} training images also stand, pixel for pixel, in another class."
        note = f"{note} {ambiguous}".strip()
    return _make_source(facts, folder, title, note)


def _locate_named(name: str, cache: Path, further_note: str = "") -> Source:
    title, note, decode = DATASETS[name]
    return locate_decoded(cache, name, title, decode, f"{note} {further_note}".strip())


def _describe_namesake(name: str) -> str:
    return f"{name!r} is the data set of that name; the folder here is './{name}'." if os.path.isdir(name) else ""


def _locate_default(cache: Path) -> Source:
    reason = "no data was named, and CIFAR-10 is neither on disk nor within reach"
    try:
        if cifar10_available():
            return _locate_named("cifar10", cache)
    except InputError as error:
        reason = str(error)
    return _locate_named("digits", cache, f"(Why digits: {reason}.)")


def _index_photographs(name: str, cache: Path) -> Source:
    if name in ("", "auto", *DATASETS):
        problem = f"DATA is {name!r}: this profile takes a folder of photographs, with train/ and val/ or test/"
        raise InputError(f"{problem}. {_describe_namesake(name)}".strip(". "))
    root = _existing_folder(name)
    photographs = photo_index.list_photographs(root)
    folder = cache / f"{photographs.key}-photographs-{REVISION}"
    facts = photo_index.load_or_create(photographs, folder)
    note = image_folder.describe_unused(root, photographs.splits)
    return _make_source(facts, folder, printable(root.resolve().name), note, photographs=True)


def _existing_folder(name: str) -> Path:
    root = Path(os.path.expanduser(name))
    if not name or not os.path.isdir(root):  # Path.is_dir raises if a name is too long
        problem = f"there is no folder {root}" if name else "DATA is empty"
        names = ", ".join(map(repr, ("auto", *DATASETS)))
        raise InputError(f"{problem}: expected {names} or a folder with train/ and test/")
    return root


def _make_source(facts: dict[str, Any], folder: Path, title: str, note: str, photographs: bool = False) -> Source:
    classes, counts = tuple(facts["classes"]), (facts["validation"], facts["test"], facts["shared_images"])
    data = DataConfig(facts["digest"], len(classes), facts["train"], facts["chance"], title)
    return Source(data, folder, classes, *counts, note, photographs)
