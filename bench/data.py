"""Where images come from, and the cache of their decoded pixels."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from bench.spec import BadInput, Data

SIDE = 32  # pixels are kept at this size
VALIDATION = 10  # one training image in so many is set aside
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"}

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Source:
    """Where decoded pixels lie and what is known of them. note: what every reader of a result must be told, or ''."""

    data: Data
    folder: Path
    classes: tuple[str, ...]
    validation: int
    test: int
    shared_images: int
    note: str

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


def locate(wanted: str, out: Path) -> Source:
    """The data set called `wanted`, decoded into the cache under `out`.

    wanted: 'digits', 'cifar10' (downloaded where it is not on disk), a folder with train/<class>/ and test/<class>/,
    or 'auto': ABLATE_DATA where it is set, else CIFAR-10 where it is on disk or its server answers within ten seconds,
    else digits.
    """
    cache = out / "cache"
    if wanted == "auto" and os.environ.get("ABLATE_DATA"):
        wanted = os.environ["ABLATE_DATA"]
    if wanted == "digits":
        return _cached(cache, "digits", "digits", digits, DIGITS_NOTE)
    if wanted == "cifar10" or (wanted == "auto" and cifar10_at_hand()):
        return _cached(cache, "cifar10", "CIFAR-10", cifar10, "")
    if wanted == "auto":
        note = f"No data was named and CIFAR-10 is out of reach. {DIGITS_NOTE}"
        return _cached(cache, "digits", "digits", digits, note)
    return image_folder(Path(wanted), cache)


DIGITS_NOTE = (
    "These numbers are from scikit-learn's 1,797 handwritten digits, a stand-in that comes with the installation. "
    "Digits are not mirror-invariant and nearly every network learns them: do not read them as evidence about AlexNet. "
    "Name real images with DATA=<folder> or DATA=cifar10."
)


def digits() -> tuple[Split, Split, tuple[str, ...]]:
    """scikit-learn's digits drawn at 32x32 in three equal channels; every fifth image of a class is for testing."""
    from sklearn.datasets import load_digits  # only here: it takes a second to import

    raw = load_digits()
    grey = (raw.images * (255 / 16)).round().astype(np.uint8)
    drawn = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for image in grey]
    large = np.stack([np.asarray(image) for image in drawn])
    pixels = np.repeat(large[..., None], 3, axis=3)
    test = _every(5, raw.target)
    return (pixels[~test], raw.target[~test]), (pixels[test], raw.target[test]), tuple("0123456789")


def cifar10() -> tuple[Split, Split, tuple[str, ...]]:
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
    try:
        socket.create_connection(("www.cs.toronto.edu", 443), timeout=seconds).close()
    except OSError:
        return False
    return True


def image_folder(root: Path, cache: Path) -> Source:
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

    def decoded() -> tuple[Split, Split, tuple[str, ...]]:
        return _decode(listing["train"]), _decode(listing["test"]), classes

    counts = tuple(sum(map(len, split.values())) for split in listing.values())
    cifar = classes == CIFAR10 and counts == (50_000, 10_000)
    jpeg = files[0].suffix.lower() in (".jpg", ".jpeg")
    name = f"CIFAR-10 ({'JPEG copy' if jpeg else 'image folder'})" if cifar else root.resolve().name
    return _cached(cache, key, name, decoded, "")


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
            rgb = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{file} cannot be read as an image ({error}): mend or remove it") from error
    return np.asarray(rgb if rgb.size == (SIDE, SIDE) else ImageOps.fit(rgb, (SIDE, SIDE), Image.Resampling.BICUBIC))


def _cached(
    cache: Path, key: str, name: str, decode: Callable[[], tuple[Split, Split, tuple[str, ...]]], note: str
) -> Source:
    """Decode once; later calls map the same files. The folder is renamed into place when it is whole."""
    folder = cache / f"{key}-{SIDE}"
    if not (folder / "classes.npy").exists():
        _store(folder, *decode())
    arrays = load(folder)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays[:4])).hexdigest()[:16]
    classes = tuple(str(c) for c in np.load(folder / "classes.npy"))
    held = _every(VALIDATION, arrays[1])
    shared = _shared(arrays[0], arrays[2])
    if shared:
        note = f"{note} {shared} of {len(arrays[2])} test images also stand, pixel for pixel, in train.".strip()
    data = Data(digest, len(classes), int((~held).sum()), name)
    return Source(data, folder, classes, int(held.sum()), len(arrays[2]), shared, note)


def _store(folder: Path, train: Split, test: Split, classes: tuple[str, ...]) -> None:
    temporary = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder.parent.parent} cannot be made ({error.strerror}): name another folder with --out") from error
    names = ("train_pixels", "train_labels", "test_pixels", "test_labels")
    for name, array in zip(names, (*train, *test), strict=True):
        np.save(temporary / f"{name}.npy", array.astype(np.uint8 if name.endswith("pixels") else np.int64))
    np.save(temporary / "classes.npy", np.array(classes))
    try:
        temporary.rename(folder)
    except OSError:  # another process was first, with the same pixels
        for file in temporary.iterdir():
            file.unlink()
        temporary.rmdir()


@lru_cache(maxsize=2)
def load(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels and labels of train, then of test; mapped, so that workers share one copy in memory."""
    names = ("train_pixels", "train_labels", "test_pixels", "test_labels")
    pixels_a, labels_a, pixels_b, labels_b = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in names)
    return pixels_a, labels_a, pixels_b, labels_b


def held_out(labels: np.ndarray) -> np.ndarray:
    """Which training images are validation: one in ten of each class, always the same."""
    return _every(VALIDATION, labels)


def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` images, as evenly over the classes as can be, always the same and nested: a larger count
    holds the smaller one's."""
    shuffled = np.random.default_rng(0).permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = np.arange(len(members))
    return shuffled[np.argsort(rank[shuffled], kind="stable")][:count]


def _every(n: int, labels: np.ndarray) -> np.ndarray:
    """A mask of one in n of each class, drawn with a fixed seed."""
    mask = np.zeros(len(labels), dtype=bool)
    shuffled = np.random.default_rng(1).permutation(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        mask[members[: max(1, len(members) // n)]] = True
    return mask


def _shared(train: np.ndarray, test: np.ndarray) -> int:
    """How many test images are identical to a training image."""
    seen = {image.tobytes() for image in train}
    return sum(image.tobytes() in seen for image in test)
