"""Index of photographs, which stay in their folder: names and labels on disk, mapped by every process."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.data import pixel_cache, splits
from bench.data.image_folder import SplitFiles, digest_status, list_splits
from bench.spec.errors import InputError
from bench.system.text import printable

TEST_FOLDERS = ("test", "val")  # either name is accepted
INDEXING = "2"  # increase it if the same files have another digest, so that indexes are made again
READ_BYTES = 2**19
QUEUED = 1000  # photographs; bounds the memory for any size of folder


class Photographs(NamedTuple):
    """The photographs under a folder: all of train and of its test folder, and the name of their index in the cache."""

    root: Path
    splits: dict[str, SplitFiles]
    key: str


def list_photographs(root: Path) -> Photographs:
    """List a folder's photographs; raise InputError if they make no data set."""
    test = next((split for split in TEST_FOLDERS if os.path.isdir(root / split)), TEST_FOLDERS[0])
    splits = list_splits(root, test)
    return Photographs(root, splits, digest_status(root, splits, INDEXING, str(root.resolve())))


def load_or_create(photographs: Photographs, folder: Path) -> pixel_cache.Facts:
    """Return the facts of photographs, from the index in `folder`, which is created where needed."""
    return pixel_cache.load_or_create(folder, _agrees, lambda temporary: _create(photographs, temporary))


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


def _create(photographs: Photographs, folder: Path) -> None:
    """Write names and labels of train (without validation), validation and test, in stratified order."""
    train, test = (split.images for split in photographs.splits.values())
    (train_names, train_labels), (test_names, test_labels) = map(_name_and_label, (train, test))
    held = splits.held_out(train_labels)
    for split, split_names, split_labels, order in (
        ("train", train_names, train_labels, splits.in_order(train_labels, ~held)),
        ("validation", train_names, train_labels, splits.in_order(train_labels, held)),
        ("test", test_names, test_labels, splits.stratified(test_labels, len(test_labels))),
    ):
        pixel_cache.write_array(folder / f"{split}_names.npy", split_names[order])
        pixel_cache.write_array(folder / f"{split}_labels.npy", split_labels[order])
    facts = {
        "root": str(photographs.root.resolve()),
        "digest": _digest(photographs.root, train, test),
        "classes": list(map(printable, train)),
        "shared_images": 0,  # pixels are not compared
    }
    pixel_cache.write_facts(folder, facts, train_labels, test_labels)


def _name_and_label(images: dict[str, list[str]]) -> tuple[np.ndarray, np.ndarray]:
    names = np.array([os.fsencode(path) for paths in images.values() for path in paths])
    return names, np.repeat(np.arange(len(images), dtype=np.int64), [len(paths) for paths in images.values()])


def _digest(root: Path, *images_by_split: dict[str, list[str]]) -> str:
    """Compute the digest of all photographs in their order, and of their labels."""
    digest = hashlib.sha256()
    with ThreadPoolExecutor() as pool:  # reading waits for the disk
        for images in images_by_split:
            digest.update(f"{list(map(len, images.values()))}".encode())
            files = [os.path.join(root, path) for path in chain(*images.values())]
            for start in range(0, len(files), QUEUED):
                for content_digest in pool.map(_digest_content, files[start : start + QUEUED]):
                    digest.update(content_digest)
    return digest.hexdigest()[:16]


def _digest_content(file: str) -> bytes:
    """Compute the digest of a file's size and its first and last READ_BYTES, which may be all of it."""
    try:
        with open(file, "rb") as opened:
            beginning = opened.read(READ_BYTES)
            size = os.fstat(opened.fileno()).st_size
            opened.seek(max(len(beginning), size - READ_BYTES))
            return hashlib.sha256(size.to_bytes(8) + beginning + opened.read()).digest()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): repair or remove it") from error


def _agrees(folder: Path, facts: pixel_cache.Facts) -> bool:
    return all(len(labels(folder, split)) == facts[split] for split in pixel_cache.SPLITS)
