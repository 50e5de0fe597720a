"""An image file, decoded; a file that cannot be used is an InputError that names it."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bench.spec.errors import InputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"}
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")  # for any suffix; PIL runs Ghostscript for others


def stat_regular(file: Path) -> os.stat_result:
    """Return the file's status; raise InputError unless it is a regular file."""
    try:
        status = file.stat()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): repair or remove it") from error
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
        raise InputError(f"{file} is no regular file: remove it")
    return status


def open_image(file: Path, smallest_side: int = 0) -> Image.Image:
    """Decode an image, upright, in eight bits of red, green and blue.

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
                eight_bits = _to_eight_bits(image)
                return eight_bits if eight_bits.mode == "RGB" else eight_bits.convert("RGB")
    except Exception as error:  # PIL's decoders raise errors of any class for a damaged file
        raise InputError(f"{file} cannot be read as an image ({error}): repair or remove it") from error


def decode_thumbnail(file: Path, side_px: int) -> np.ndarray:
    """Decode an image, cut to its middle square and resized to (side_px, side_px, 3) uint8."""
    image, size = open_image(file), (side_px, side_px)
    return np.asarray(image if image.size == size else ImageOps.fit(image, size, Image.Resampling.BICUBIC))


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to eight, which PIL would cut off at 255."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError("its pixels have more than 16 bits; save it with 8 or 16")
    return Image.fromarray((values // 0x101).astype(np.uint8))
