"""Decoding of one image file; an InputError names a file that cannot be used."""

from __future__ import annotations

import os
import stat
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from bench.spec.errors import InputError

# accepted for any suffix; for other formats PIL runs Ghostscript, or accepts any file
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "QOI", "ICO")
VISIBLE_LEVELS = 16  # of 256; less contrast counts as noise of a lossy format


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes of image files, in small letters."""
    formats = {*FORMATS, "MPO"}  # several JPEGs in one file, of which the first is read
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in formats)


class FileStatus(NamedTuple):
    """Properties that change when a file is replaced.

    Attributes:
        size: In bytes.
        modified_ns: Time at which its content changed (mtime), or which a user has set.
        changed_ns: Time at which the file, or the link to it, changed in any way (ctime), which nobody can set. Copies
            and files whose mode or owner changed have a later one. Windows and FAT keep no such time.
    """

    size: int
    modified_ns: int
    changed_ns: int


def stat_regular(file: str) -> FileStatus:
    """Return the file's status; raise InputError unless it is a regular file."""
    try:
        status = link_status = os.lstat(file)
        if stat.S_ISLNK(status.st_mode):
            status = os.stat(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): repair or remove it") from error
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
        raise InputError(f"{file} is no regular file: remove it")
    return FileStatus(status.st_size, status.st_mtime_ns, max(status.st_ctime_ns, link_status.st_ctime_ns))


def open_image(file: Path, smallest_side: int = 0) -> Image.Image:
    """Decode an image (the first of several in a file), upright, in eight bits of red, green and blue.

    Transparent parts become white, or black where nothing would be seen on white, as of a white symbol.

    Args:
        file: The image.
        smallest_side: Pixels of the shorter side that suffice; a larger JPEG is decoded at a half, a quarter or an
            eighth of its size. 0 decodes all of it.

    Raises:
        InputError: The image is damaged, too large or of another format.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL warns of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # raised above 89 million pixels
            with Image.open(file, formats=FORMATS) as image:
                if smallest_side:
                    image.draft("RGB", (smallest_side, smallest_side))
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _to_colours(_to_eight_bits(image))
    except Exception as error:  # PIL's decoders raise errors of any class for a damaged file
        raise InputError(f"{file} cannot be read as an image ({error}): repair or remove it") from error


def decode_thumbnail(file: Path, side_px: int) -> np.ndarray:
    """Decode an image, cut to its middle square and resized to (side_px, side_px, 3) uint8."""
    image, size = open_image(file), (side_px, side_px)
    return np.asarray(image if image.size == size else ImageOps.fit(image, size, Image.Resampling.BICUBIC))


def _to_colours(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    on_white, on_black = (
        Image.alpha_composite(Image.new("RGBA", image.size, ground), image.convert("RGBA")).convert("RGB")
        for ground in ("white", "black")
    )
    contrast_on_white, contrast_on_black = (np.ptp(np.asarray(flat)) for flat in (on_white, on_black))
    return on_black if contrast_on_white < VISIBLE_LEVELS <= contrast_on_black else on_white


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to eight, which PIL would cut off at 255."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    eight_bits = Image.fromarray((values // 0x101).astype(np.uint8))
    if (transparent_level := image.info.get("transparency")) is not None:
        eight_bits.putalpha(Image.fromarray(np.where(values == transparent_level, 0, 255).astype(np.uint8)))
    return eight_bits
