"""Images are decoded, or refused with their name and the reason."""

import numpy as np
import pytest
from inputs import noise, refusal
from PIL import Image

from bench.data import image_file, pixel_cache
from bench.data.source import locate


def as_jpeg(file):
    noise().save(file, "JPEG")


def sixteen_bits(file):
    Image.fromarray(np.full((32, 32), 0x8040, np.uint16)).save(file)


def clear_palette(file):
    image = noise().quantize(16)
    image.save(file, transparency=bytes(range(16)))


def moving(file):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=10)


def moving_png(file):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=10)


def grey(file):
    Image.new("L", (32, 32), 77).save(file)


def cmyk(file):
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(file, "JPEG", quality=100)


def turned(file):
    image = Image.new("RGB", (32, 32), "black")
    image.paste("white", (0, 0, 32, 16))
    image.save(file, exif=exif(3))


def exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def of_two_pictures(file):
    """A file with two pictures, which many cameras write with the suffix .jpg."""
    noise().save(file, "MPO", save_all=True, append_images=[noise(1)])


USED = [
    (of_two_pictures, None),
    (as_jpeg, None),
    (sixteen_bits, (128, 128, 128)),
    (clear_palette, None),
    (moving, (255, 0, 0)),
    (moving_png, (255, 0, 0)),
    (grey, (77, 77, 77)),
    (cmyk, (254, 0, 0)),
    (turned, (0, 0, 0)),
]


@pytest.mark.parametrize("make, colour", USED, ids=[make.__name__.replace("_", " ") for make, _ in USED])
def test_an_odd_image_is_used(root, out, make, colour):
    make(root / "test/cat/0.png")
    source = locate(str(root), out)
    assert (source.data.train, source.test) == (6, 4)
    first = pixel_cache.load(source.folder)["test"][0][0][pixel_cache.MARGIN_PX, pixel_cache.MARGIN_PX]
    assert colour is None or first.tolist() == pytest.approx(colour, abs=1)


@pytest.mark.parametrize("dtype", [np.int32, np.uint16])
def test_sixteen_bits_are_scaled_in_every_file_format(tmp_path, dtype):
    Image.fromarray(np.linspace(0, 65535, 1024).reshape(32, 32).astype(dtype)).save(tmp_path / "image.tif")
    pixels = image_file.decode_thumbnail(tmp_path / "image.tif", 32)[..., 0]
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)
    assert 126 <= pixels.mean() <= 128


# Images that are refused


def huge(file):
    Image.new("1", (10_000, 9_000)).save(file)


def bomb(file):
    Image.new("1", (20_000, 10_000)).save(file)


def text(file):
    file.write_text("this is text")


def empty(file):
    file.write_bytes(b"")


def truncated(file):
    noise(size=(200, 200)).save(file, "JPEG")
    file.write_bytes(file.read_bytes()[:4000])


def broken(file):
    noise().save(file)
    raw = bytearray(file.read_bytes())
    raw[60:200] = bytes(140)
    file.write_bytes(raw)


def real_numbers(file):
    Image.fromarray(np.ones((32, 32), np.float32)).save(file, "TIFF")


def thirty_two_bits(file):
    Image.fromarray(np.full((32, 32), 2**30, np.int32)).save(file, "TIFF")


def postscript(file):
    """A PostScript file, for which PIL would run Ghostscript."""
    file.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\n(hello) =\nshowpage\n%%EOF\n")


def of_another_format(file):
    noise().save(file, "TGA")


REFUSED = [
    (postscript, "cannot identify image file"),
    (of_another_format, "cannot identify image file"),
    (huge, "90000000 pixels) exceeds limit"),
    (bomb, "decompression bomb"),
    (text, "cannot identify image file"),
    (empty, "cannot identify image file"),
    (truncated, "truncated"),
    (broken, "broken"),
    (real_numbers, "save it with 8 or 16 bits"),
    (thirty_two_bits, "more than 16 bits"),
]


@pytest.mark.parametrize("make, message", REFUSED, ids=[make.__name__.replace("_", " ") for make, _ in REFUSED])
def test_a_file_that_is_no_image_is_named_with_the_reason(root, out, make, message):
    file = root / "test/dog/1.jpg"
    make(file if make in (text, empty, truncated) else file.with_suffix(".png"))
    error_line = refusal(locate, str(root), out)
    assert "/test/dog/1." in error_line and message in error_line and error_line.endswith("repair or remove it")
    assert not list(out.rglob("*.npy"))


def test_a_large_image_below_the_limit_is_used(root, out):
    Image.new("1", (9_000, 9_000)).save(root / "test/dog/1.png")
    assert locate(str(root), out).test == 4
