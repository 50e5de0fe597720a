"""An index of photographs that stay where they are: names and labels on disk, mapped by every process."""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.data import pixel_cache, splits
from bench.data.image_file import stat_regular
from bench.data.image_folder import list_entries, list_splits
from bench.system.text import printable

TEST_FOLDERS = ("test", "val")  # either name is accepted


def key(root: Path) -> str:
    """Return a digest that changes with the folder's place and with the names in it."""
    stamps = [str(root.resolve())]
    for split in ("train", *TEST_FOLDERS):
        if os.path.isdir(root / split):
            stamps += [f"{entry.path} {entry.stat().st_mtime_ns}" for entry in list_entries(root / split)]
    return hashlib.sha256("\n".join(stamps).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def load_or_create(root: Path, folder: Path) -> pixel_cache.Facts:
    """Return the facts of the photographs under root, from the index in `folder`, which is created where needed."""
    return pixel_cache.load_or_create(folder, _agrees, lambda temporary: _create(root, temporary))


def labels(folder: Path, split: str) -> np.ndarray:
    """Map a split's labels, (N,) int64, in stratified order."""
    return np.load(folder / f"{split}_labels.npy", mmap_mode="c")


@lru_cache(maxsize=8)
def names(folder: Path, split: str) -> np.ndarray:
    """Map a split's paths under the root, (N,) bytes, in stratified order."""
    return np.load(folder / f"{split}_names.npy", mmap_mode="r")


def file(folder: Path, split: str, position: int) -> Path:
    """Return the path of one photograph."""
    return Path(_root(folder), os.fsdecode(names(folder, split)[position]))


@lru_cache(maxsize=8)
def _root(folder: Path) -> str:
    return str(json.loads((folder / "facts.json").read_text(encoding="utf-8"))["root"])


def _create(root: Path, folder: Path) -> None:
    """Write names and labels of train (without validation), validation and test, in stratified order.

    The digest is of names and sizes: hashing a million photographs takes hours.
    """
    test = next((split for split in TEST_FOLDERS if os.path.isdir(root / split)), TEST_FOLDERS[0])
    listing = list_splits(root, test)
    digest = hashlib.sha256()
    arrays = {}
    for split, files_by_class in listing.items():
        paths = [f"{split}/{name}/{image}" for name, images in files_by_class.items() for image in images]
        for path in paths:
            digest.update(f"{path} {stat_regular(root / path).st_size}\n".encode("utf-8", "surrogateescape"))
        counts = [len(images) for images in files_by_class.values()]
        arrays[split] = np.array([os.fsencode(path) for path in paths]), np.repeat(np.arange(len(counts)), counts)
    (_, train_labels), (_, test_labels) = arrays["train"], arrays[test]
    held = splits.held_out(train_labels)
    for split, (split_names, split_labels), order in (
        ("train", arrays["train"], splits.in_order(train_labels, ~held)),
        ("validation", arrays["train"], splits.in_order(train_labels, held)),
        ("test", arrays[test], splits.stratified(test_labels, len(test_labels))),
    ):
        np.save(folder / f"{split}_names.npy", split_names[order])
        np.save(folder / f"{split}_labels.npy", split_labels[order].astype(np.int64))
    facts = {
        "root": str(root.resolve()),
        "digest": digest.hexdigest()[:16],
        "classes": list(map(printable, listing["train"])),
        "shared_images": 0,  # pixels are not compared
    }
    pixel_cache.write_facts(folder, facts, train_labels, test_labels)


def _agrees(folder: Path, facts: pixel_cache.Facts) -> bool:
    return all(len(labels(folder, split)) == facts[split] for split in pixel_cache.SPLITS)
