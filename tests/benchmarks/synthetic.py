"""Synthetic data sets, which need no download; timings do not depend on the content of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.source import Source, locate_decoded

CLASSES = 10


def folder(root: Path, train: int, test: int) -> Path:
    """Fill train/<class>/ and test/<class>/ with these numbers of smooth 32x32 JPEG images per class."""
    draws = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for label in range(CLASSES):
            class_folder = root / split / f"class{label}"
            class_folder.mkdir(parents=True)
            for number in range(count):
                rough = Image.fromarray(draws.integers(0, 256, (8, 8, 3), dtype=np.uint8))
                rough.resize((32, 32), Image.Resampling.BICUBIC).save(class_folder / f"{number}.jpg", quality=95)
    return root


def source(out: Path, train: int, test: int) -> Source:
    """A decoded data set of random images; `train` includes those for validation."""

    def split(count: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return draws.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), np.arange(count) % CLASSES

    def decode():
        names = tuple(map(str, range(CLASSES)))
        return split(train, np.random.default_rng(0)), split(test, np.random.default_rng(1)), names

    return locate_decoded(out / "cache", f"noise-{train}-{test}", "noise", decode)
