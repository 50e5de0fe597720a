"""Photographs resized once, so that every later epoch decodes a fraction of their pixels."""

from __future__ import annotations

import io
import os
import unicodedata
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bench.data import photo_index
from bench.data.image_file import stat_regular
from bench.data.image_folder import SplitFiles, describe_unused, list_classes
from bench.data.image_sets import decode_square
from bench.spec.errors import InputError
from bench.system import devices, files
from bench.system.text import printable

JPEG_QUALITY = 95
UNREADABLE_LIST = "broken.txt"  # in the target folder: one line for each photograph that could not be read
QUEUED_PER_THREAD = 8  # photographs; bounds the memory for any size of folder


class Packed(NamedTuple):
    """Outcome for a photograph, or a remark about both folders.

    Attributes:
        outcome: 'packed', 'present' (from before), 'unreadable' or 'remark'.
        text: Why it is unreadable, or the remark.
        path: Where it is packed, under the target.
    """

    outcome: str
    text: str = ""
    path: str = ""


def pack(root: Path, target: Path, side_px: int) -> Iterator[Packed]:
    """Pack the middle square of each photograph, as a JPEG in the same place under a target folder.

    Photographs that were packed since they last changed are left as they are; unreadable ones are left out, and listed
    at the end.

    Args:
        root: A folder with train/<class>/, and val/ or test/.
        target: The folder of the packed photographs, outside of root.
        side_px: The square's side.

    Yields:
        The outcome for each photograph, and remarks about files that are not packed, or no longer should be.

    Raises:
        InputError: A folder cannot be used, or the target holds squares of another size.
    """
    splits = _check(root, target, side_px)
    if unused := describe_unused(root, splits):
        yield Packed("remark", unused)
    unreadable, squares = [], set()
    for packed in _pack_all(root, target, splits, side_px):
        if packed.outcome == "unreadable":
            unreadable.append(f"{packed.text}\n")
        else:
            squares.add(_fold(packed.path))
        yield packed
    target.mkdir(parents=True, exist_ok=True)
    files.write(target / UNREADABLE_LIST, "".join(unreadable).encode())
    packed_files = (file for split in splits for file in (target / split).glob("*/[!.]*"))
    if stale := sorted(file for file in packed_files if _fold(file.relative_to(target).as_posix()) not in squares):
        count = f"{len(stale):,} of the squares have no readable photograph any more"
        yield Packed("remark", f"{count}, such as {printable(str(stale[0]))}: remove them")


def _check(root: Path, target: Path, side_px: int) -> dict[str, SplitFiles]:
    """Return the splits to pack, after checking the folders and removing files of killed processes from the target."""
    if side_px < 1:
        raise InputError(f"the side is {side_px} pixels: expected 1 or more")
    if target.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{target} lies in {root}: name a folder outside it for what is packed")
    splits = [split for split in ("train", *photo_index.TEST_FOLDERS) if os.path.isdir(root / split)]
    if not splits:
        raise InputError(f"{root} has no folder train/, val/ or test/: photographs are expected in train/<class>/")
    for folder in (target, *(place for split in splits for place in (target / split).glob("*"))):
        for leftover in files.find_leftovers(folder):
            files.remove(leftover)
    if (packed_side := _packed_side(target, splits)) not in (None, side_px):
        raise InputError(f"{target} holds squares of {packed_side} pixels, not of {side_px}: name another folder")
    return {split: list_classes(root, split) for split in splits}


def _packed_side(target: Path, splits: list[str]) -> int | None:
    """Return the side in pixels of the first square in the target; all squares of a folder have one size."""
    for split in splits:
        for file in (target / split).glob("*/*"):
            with suppress(OSError), Image.open(file) as image:
                return image.width
    return None


def _pack_all(root: Path, target: Path, splits: dict[str, SplitFiles], side_px: int) -> Iterator[Packed]:
    """Pack by threads: PIL releases the interpreter as it decodes and resizes."""
    queue: deque[Future[Packed]] = deque()
    threads = devices.core_count()
    with ThreadPoolExecutor(threads) as pool:
        for name, packed_name in _names(splits):
            queue.append(pool.submit(_pack_one, root / name, target, packed_name, side_px))
            if len(queue) > QUEUED_PER_THREAD * threads:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()


def _names(splits: dict[str, SplitFiles]) -> Iterator[tuple[str, str]]:
    """Map each photograph's name to a unique name of a JPEG, also on a disk that ignores case."""
    for paths in chain.from_iterable(split.images.values() for split in splits.values()):
        taken_names = set()
        for path in sorted(paths, key=_is_jpeg, reverse=True):  # a JPEG keeps its name
            packed_path = path if _is_jpeg(path) else f"{path}.jpg"
            while _fold(packed_path) in taken_names:
                packed_path += ".jpg"
            taken_names.add(_fold(packed_path))
            yield path, packed_path


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def _is_jpeg(path: str) -> bool:
    return path.lower().endswith((".jpg", ".jpeg"))


def _pack_one(file: Path, target: Path, packed_name: str, side_px: int) -> Packed:
    packed_file = target / packed_name
    try:
        changed_ns = stat_regular(str(file)).changed_ns
        if packed_file.exists() and stat_regular(str(packed_file)).changed_ns >= changed_ns:
            return Packed("present", path=packed_name)
        pixels = decode_square(file, side_px)
    except InputError as error:
        return Packed("unreadable", str(error))
    content = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(content, "JPEG", quality=JPEG_QUALITY)
    packed_file.parent.mkdir(parents=True, exist_ok=True)
    files.write(packed_file, content.getvalue())
    return Packed("packed", path=packed_name)
