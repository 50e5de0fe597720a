"""Decoded pixels on disk: split and written once, mapped by every process."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.data.datasets import SIDE_PX, Decoder, LabelledPixels
from bench.data.splits import held_out, in_order
from bench.spec.errors import InputError
from bench.system import files, locks

MARGIN_PX = 4  # black margin around each stored image: the widest padding of any layout
SPLITS = ("train", "validation", "test")

Facts = dict[str, Any]


def load_or_decode(folder: Path, decode: Decoder) -> Facts:
    """Return the facts of a decoded data set; decode it if the folder is missing or damaged."""
    return load_or_create(folder, _agrees, lambda temporary: _write_splits(temporary, *decode()))


def load_or_create(folder: Path, agrees: Callable[[Path, Facts], bool], create: Callable[[Path], None]) -> Facts:
    """Return the facts of a folder in the cache, created first if it is missing or damaged.

    Args:
        folder: The folder, which only one process creates at a time.
        agrees: Whether a folder's arrays are as its facts say; may raise any error where they are damaged.
        create: Fills an empty folder, which is then renamed.

    Raises:
        InputError: The folder is damaged and cannot be rebuilt.
        OSError: The cache cannot be written.
    """
    if facts := _load_facts(folder, agrees):
        return facts
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locks.lock(folder.with_name(f"{folder.name}.lock"), timeout_s=-1):
        facts = _load_facts(folder, agrees)  # another run may have created it meanwhile
        if facts is None:
            _replace(folder, create)
            facts = _load_facts(folder, agrees)
    if facts is None:
        raise InputError(f"{folder} is damaged and cannot be rebuilt: remove it")
    return facts


def _replace(folder: Path, create: Callable[[Path], None]) -> None:
    """Remove the old folder once the new one is whole; an old one that cannot be removed stays."""
    temporary = files.temporary_path(folder)
    temporary.mkdir()
    try:
        create(temporary)
        files.remove(folder)
        if not folder.exists():
            files.move_into_place(temporary, folder)
    except OSError as error:
        if error.errno and not error.filename:  # an error about an open file lacks its name
            error.filename = str(folder)
        raise
    finally:
        files.remove(temporary)


def _load_facts(folder: Path, agrees: Callable[[Path, Facts], bool]) -> Facts | None:
    """Load a folder's facts; return None if the folder is missing or its files differ from them."""
    try:
        facts: Facts = json.loads(files.read(folder / "facts.json"))
        is_valid = facts["files"] == digest_arrays(folder) and agrees(folder, facts)
    except Exception:  # numpy and json raise errors of any class for a damaged file
        return None
    return facts if is_valid else None


def _agrees(folder: Path, facts: Facts) -> bool:
    class_count, side_px = len(facts["classes"]), SIDE_PX + 2 * MARGIN_PX
    is_valid = bool(re.fullmatch("[0-9a-f]{16}", facts["digest"])) and all(isinstance(c, str) for c in facts["classes"])
    is_valid &= 0 <= facts["chance"] <= 1 and 0 <= facts["shared_images"] <= facts["test"]
    for split, (pixels, labels) in load(folder).items():
        is_valid &= (pixels.shape, pixels.dtype) == ((facts[split], side_px, side_px, 3), np.uint8)
        is_valid &= (labels.shape, labels.dtype) == ((facts[split],), np.int64)
        is_valid &= bool(0 <= labels.min() <= labels.max() < class_count)
    return is_valid


def load(folder: Path) -> dict[str, LabelledPixels]:
    """Map the splits of a decoded data set, so that processes share one copy in memory.

    Returns:
        By split, pixels (N, SIDE_PX + 2 MARGIN_PX, SIDE_PX + 2 MARGIN_PX, 3) uint8 and labels (N,) int64. Writes to
        them change a private copy.
    """

    def map_array(name: str) -> np.ndarray:
        return np.load(folder / f"{name}.npy", mmap_mode="c")

    return {split: LabelledPixels(map_array(f"{split}_pixels"), map_array(f"{split}_labels")) for split in SPLITS}


def write_array(file: Path, array: np.ndarray) -> None:
    """Write an array as `numpy.save` does, but raise an OSError with its number when the disk is full."""
    with file.open("wb") as opened:
        np.save(SimpleNamespace(write=opened.write), array)


def write_facts(folder: Path, facts: Facts, train_labels: np.ndarray, test_labels: np.ndarray) -> None:
    """Write a data set's facts beside its arrays.

    Args:
        folder: The folder, with all arrays in it.
        facts: Facts that do not follow from the labels and the arrays.
        train_labels: (N,), those of validation among them.
        test_labels: (N,).
    """
    held = held_out(train_labels)
    counts = {"train": int((~held).sum()), "validation": int(held.sum()), "test": len(test_labels)}
    chance = float((test_labels == np.bincount(train_labels).argmax()).mean())
    text = json.dumps({**facts, **counts, "chance": chance, "files": digest_arrays(folder)})
    (folder / "facts.json").write_text(text, encoding="utf-8")


def digest_arrays(folder: Path) -> dict[str, str]:
    """Return each array file's SHA-256: damaged pixels may keep their shape. Takes 0.17 s for CIFAR-10."""
    return {file.name: _digest(file) for file in folder.glob("*.npy")}


def _digest(file: Path) -> str:
    files.check_kind(file)
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write_splits(folder: Path, train: LabelledPixels, test: LabelledPixels, classes: tuple[str, ...]) -> None:
    """Write train (without validation), validation and test; the former two in stratified order."""
    train, test = (LabelledPixels(pixels.astype(np.uint8), labels.astype(np.int64)) for pixels, labels in (train, test))
    held = held_out(train.labels)
    for name, (pixels, labels), order in (
        ("train", train, in_order(train.labels, ~held)),
        ("validation", train, in_order(train.labels, held)),
        ("test", test, slice(None)),
    ):
        margins = ((0, 0), *[(MARGIN_PX, MARGIN_PX)] * 2, (0, 0))
        write_array(folder / f"{name}_pixels.npy", np.pad(pixels[order], margins))
        write_array(folder / f"{name}_labels.npy", labels[order])
    facts = {
        "digest": hashlib.sha256(b"".join(array.tobytes() for array in (*train, *test))).hexdigest()[:16],
        "classes": classes,
        "shared_images": _count_shared(train.pixels, test.pixels),
        "ambiguous_images": _count_ambiguous(train),
    }
    write_facts(folder, facts, train.labels, test.labels)


def _count_shared(train: np.ndarray, test: np.ndarray) -> int:
    """Count the test images that are identical to a training image."""
    train_images = {image.tobytes() for image in train}
    return sum(image.tobytes() in train_images for image in test)


def _count_ambiguous(images: LabelledPixels) -> int:
    """Count the images that are identical to one of another class."""
    labels: dict[bytes, set[int]] = {}
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images.pixels]
    for digest, label in zip(digests, images.labels.tolist(), strict=True):
        labels.setdefault(digest, set()).add(label)
    return sum(len(labels[digest]) > 1 for digest in digests)
