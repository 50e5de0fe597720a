"""Decoded pixels on disk: written once, split once and for all, mapped by every process."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from bench.data.datasets import SIDE, Decoded, Split
from bench.data.sampling import held_out, in_order
from bench.spec.errors import InputError
from bench.system import files
from bench.system.text import printable

MARGIN = 4  # black pixels around each stored image: the widest padding of a layout

Facts = dict[str, Any]


def facts(folder: Path, decode: Callable[[], Decoded]) -> Facts:
    """What is known of the data set in the folder, which is decoded where it is not there or was damaged since."""
    return made(folder, _whole, lambda temporary: _store(temporary, *decode()))


def made(folder: Path, whole: Callable[[Path], Facts | None], store: Callable[[Path], None]) -> Facts:
    """The facts of a folder in the cache; where it is not whole, it is stored, unless another run did so meanwhile."""
    if found := whole(folder):
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        out = folder.parent.parent
        raise InputError(
            printable(f"{out} cannot be made ({error.strerror}): name another folder with --out")
        ) from error
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        found = whole(folder)
        if found is None:
            _replaced(folder, store)
            found = whole(folder)
    if found is None:
        raise InputError(printable(f"{folder} is damaged and cannot be made again: remove it"))
    return found


def _replaced(folder: Path, store: Callable[[Path], None]) -> None:
    """What is there goes once the new is whole, and stays where it cannot be removed."""
    temporary = files.temporary(folder)
    temporary.mkdir()
    try:
        store(temporary)
        files.remove(folder)
        if not folder.exists():
            files.place(temporary, folder)
    finally:
        files.remove(temporary)


def _whole(folder: Path) -> Facts | None:
    """The facts of a decoded data set; None where it is not there or its files are not what the facts say."""
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        classes, side = len(facts["classes"]), SIDE + 2 * MARGIN
        good = bool(re.fullmatch("[0-9a-f]{16}", facts["digest"])) and all(isinstance(c, str) for c in facts["classes"])
        good &= 0 <= facts["chance"] <= 1 and 0 <= facts["shared_images"] <= facts["test"]
        for split, (pixels, labels) in load(folder).items():
            good &= (pixels.shape, pixels.dtype) == ((facts[split], side, side, 3), np.uint8)
            good &= (labels.shape, labels.dtype) == ((facts[split],), np.int64)
            good &= 0 <= labels.min() <= labels.max() < classes
        good = good and facts["files"] == digests(folder)  # last: it reads them all
    except Exception:  # numpy and json raise all sorts of things at what is damaged
        return None
    return facts if good else None


def digests(folder: Path) -> dict[str, str]:
    """Of each array's file: black images have the right shape too. A sixth of a second for CIFAR-10."""
    return {file.name: _digest(file) for file in folder.glob("*.npy")}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _store(temporary: Path, train: Split, test: Split, classes: tuple[str, ...]) -> None:
    """Training less validation, validation and test, each in stratified order, and what is known of them."""
    train, test = ((pixels.astype(np.uint8), labels.astype(np.int64)) for pixels, labels in (train, test))
    held = held_out(train[1])
    for name, (pixels, labels), order in (
        ("train", train, in_order(train[1], ~held)),
        ("validation", train, in_order(train[1], held)),
        ("test", test, slice(None)),
    ):
        np.save(temporary / f"{name}_pixels.npy", np.pad(pixels[order], ((0, 0), *[(MARGIN, MARGIN)] * 2, (0, 0))))
        np.save(temporary / f"{name}_labels.npy", labels[order])
    facts = {
        "digest": hashlib.sha256(b"".join(array.tobytes() for array in (*train, *test))).hexdigest()[:16],
        "classes": classes,
        "shared_images": _shared(train[0], test[0]),
    }
    describe(temporary, facts, train[1], test[1])


def describe(folder: Path, facts: Facts, train: np.ndarray, test: np.ndarray) -> None:
    """Write the facts, and what follows from the labels of training (validation's among them) and test, and from the
    arrays in the folder."""
    held = held_out(train)
    counts = {"train": int((~held).sum()), "validation": int(held.sum()), "test": len(test)}
    chance = float((test == np.bincount(train).argmax()).mean())
    told = {**facts, **counts, "chance": chance, "files": digests(folder)}
    (folder / "facts.json").write_text(json.dumps(told), encoding="utf-8")


def load(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pixels, (N, C, C, 3) uint8 with a black margin, and labels, (N,) int64, of train, validation and test; mapped, so
    that processes share one copy in memory."""

    def mapped(name: str) -> np.ndarray:
        return np.load(folder / f"{name}.npy", mmap_mode="c")  # whoever writes to it changes a copy of his own

    return {split: (mapped(f"{split}_pixels"), mapped(f"{split}_labels")) for split in ("train", "validation", "test")}


def _shared(train: np.ndarray, test: np.ndarray) -> int:
    """How many test images are identical to a training image."""
    seen = {image.tobytes() for image in train}
    return sum(image.tobytes() in seen for image in test)
