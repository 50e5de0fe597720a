"""Where photographs lie and what they show: names and labels on disk, mapped by every process that reads them."""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.data import image_folder, pixel_cache, sampling
from bench.system.text import printable

SPLITS = ("train", "validation", "test")
TESTED = ("test", "val")  # folders of the images to test, by either name


def key(root: Path) -> str:
    """Changes with the folder's place and with the names in it."""
    told = [str(root.resolve())]
    for split in ("train", *TESTED):
        if os.path.isdir(root / split):
            told += [f"{entry.path} {entry.stat().st_mtime_ns}" for entry in image_folder.entries(root / split)]
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def facts(root: Path, folder: Path) -> pixel_cache.Facts:
    """What is known of the photographs under root, from the index in `folder`, which is made where it is not whole."""
    return pixel_cache.made(folder, _whole, lambda temporary: _store(root, temporary))


def labels(folder: Path, split: str) -> np.ndarray:
    """(N,) int64, in stratified order."""
    return np.load(folder / f"{split}_labels.npy", mmap_mode="c")


@lru_cache(maxsize=8)
def names(folder: Path, split: str) -> np.ndarray:
    """(N,) bytes: paths under the root."""
    return np.load(folder / f"{split}_names.npy", mmap_mode="r")


def file(folder: Path, split: str, place: int) -> Path:
    return Path(_root(folder), os.fsdecode(names(folder, split)[place]))


@lru_cache(maxsize=8)
def _root(folder: Path) -> str:
    return str(json.loads((folder / "facts.json").read_text(encoding="utf-8"))["root"])


def _store(root: Path, temporary: Path) -> None:
    """Training less validation, validation and test, each in stratified order, and what is known of them.

    The digest is of names and sizes: to read every photograph would take hours where there are millions.
    """
    test = next((split for split in TESTED if os.path.isdir(root / split)), TESTED[0])
    found = image_folder.listing(root, test)
    told = hashlib.sha256()
    arrays = {}
    for split, classes in found.items():
        paths = [f"{split}/{name}/{image}" for name, images in classes.items() for image in images]
        for path in paths:
            told.update(f"{path} {image_folder.regular(root / path).st_size}\n".encode("utf-8", "surrogateescape"))
        counts = [len(images) for images in classes.values()]
        arrays[split] = np.array([os.fsencode(path) for path in paths]), np.repeat(np.arange(len(counts)), counts)
    train, tested = arrays["train"], arrays[test]
    held = sampling.held_out(train[1])
    for split, (own, shown), order in (
        ("train", train, sampling.in_order(train[1], ~held)),
        ("validation", train, sampling.in_order(train[1], held)),
        ("test", tested, sampling.stratified(tested[1], len(tested[1]))),
    ):
        np.save(temporary / f"{split}_names.npy", own[order])
        np.save(temporary / f"{split}_labels.npy", shown[order].astype(np.int64))
    known = {
        "root": str(root.resolve()),
        "digest": told.hexdigest()[:16],
        "classes": list(map(printable, found["train"])),
        "shared_images": 0,  # pixels are not compared
    }
    pixel_cache.describe(temporary, known, train[1], tested[1])


def _whole(folder: Path) -> pixel_cache.Facts | None:
    """The facts of an index; None where it is not there or its files are not what the facts say."""
    try:
        known = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        good = known["files"] == pixel_cache.digests(folder)
        good &= all(len(labels(folder, split)) == known[split] for split in SPLITS)
    except Exception:  # numpy and json raise all sorts of things at what is damaged
        return None
    return known if good else None
