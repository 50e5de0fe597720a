"""Photographs resized once and for all, so that every later epoch decodes a fraction of them."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bench.data import image_folder, photo_index
from bench.data.photos import square
from bench.spec.errors import InputError
from bench.system import devices, files
from bench.system.text import printable

QUALITY = 95
BROKEN = "broken.txt"  # in the packed folder: one line for each photograph that could not be read
AHEAD = 8  # files a thread that wait for it: what is in memory does not grow with the folder


class Packed(NamedTuple):
    """What became of a photograph: 'packed', 'there' from before, or 'broken' and why."""

    what: str
    reason: str = ""


def pack(root: Path, target: Path, side: int) -> Iterator[Packed]:
    """The middle square of each photograph under root, side by side pixels, as a JPEG of quality 95 in the same place
    under target. What is there already is passed over; what cannot be read is left out, and listed at the end."""
    if side < 1:
        raise InputError(f"--side is {side}: it must be 1 or more")
    if target.resolve().is_relative_to(root.resolve()):
        raise InputError(printable(f"{target} lies in {root}: name a folder outside it for what is packed"))
    splits = [split for split in ("train", *photo_index.TESTED) if os.path.isdir(root / split)]
    if not splits:
        raise InputError(
            printable(f"{root} has no folder train/, val/ or test/: photographs are expected in train/<class>/")
        )
    for folder in (target, *(place for split in splits for place in (target / split).glob("*"))):
        for left in files.leftovers(folder):  # of one that was killed
            files.remove(left)
    if (there := _side(target, splits)) not in (None, side):
        raise InputError(printable(f"{target} holds squares of {there} pixels, --side is {side}: name another folder"))
    broken = []
    for one in _all(root, target, splits, side):
        broken += [f"{one.reason}\n"] * bool(one.reason)
        yield one
    files.write(target / BROKEN, "".join(broken).encode())


def _side(target: Path, splits: list[str]) -> int | None:
    """Of the squares that are there: that of the first, since a folder is packed in one size."""
    for split in splits:
        for file in (target / split).glob("*/*"):
            with suppress(OSError), Image.open(file) as image:
                return image.width
    return None


def _all(root: Path, target: Path, splits: list[str], side: int) -> Iterator[Packed]:
    """By threads: decoding and resizing leave the interpreter to the others."""
    waiting: deque[Future[Packed]] = deque()
    with ThreadPoolExecutor(devices.cores()) as pool:
        for name in _names(root, splits):
            waiting.append(pool.submit(_packed, root, target, name, side))
            if len(waiting) > AHEAD * devices.cores():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _names(root: Path, splits: list[str]) -> Iterator[str]:
    for split in splits:
        for name, images in image_folder.classes(root, split).items():
            yield from (f"{split}/{name}/{image}" for image in images)


def _packed(root: Path, target: Path, name: str, side: int) -> Packed:
    place = target / (name if name.lower().endswith((".jpg", ".jpeg")) else f"{name}.jpg")
    if place.exists():
        return Packed("there")
    try:
        pixels = square(root / name, side)
    except InputError as error:
        return Packed("broken", str(error))
    content = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(content, "JPEG", quality=QUALITY)
    files.write(place, content.getvalue())
    return Packed("packed")
