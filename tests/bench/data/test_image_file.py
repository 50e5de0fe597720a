import numpy as np
import pytest
from image_folders import noise, training_images, without_margin
from PIL import Image

from bench.data import image_file
from bench.data.source import locate
from bench.spec.errors import InputError


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_any_mode_of_image_becomes_three_channels(images, out, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (32, 32)).save(images / f"train/cat/odd.{suffix}")
    source = locate(str(images), out)
    assert len(training_images(source)) == 61


@pytest.mark.parametrize("size", [(64, 64), (100, 40), (20, 50), (1, 1)])
def test_images_of_any_size_are_cut_square_and_resized(images, out, size):
    image = Image.new("RGB", size, (10, 20, 30))
    image.save(images / "test/cat/000.png")
    first = without_margin(locate(str(images), out))["test"][0][0]
    assert (first == (10, 20, 30)).all()


def test_the_middle_of_a_wide_image_is_kept(images, out):
    wide = Image.new("RGB", (96, 32), "black")
    wide.paste("white", (32, 0, 64, 32))
    wide.save(images / "test/cat/000.png")
    assert (without_margin(locate(str(images), out))["test"][0][0] == 255).all()


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize(
    "suffix", [".png", ".jpg", ".bmp", ".gif", ".tif", ".webp", ".ppm", ".avif", ".jp2", ".qoi", ".ico"]
)
def test_an_image_cut_short_is_refused_wherever_it_is_cut(tmp_path, suffix):
    file = tmp_path / f"image{suffix}"
    noise(0).save(file)
    content = file.read_bytes()
    refused = 0
    for length in range(1, len(content), max(1, len(content) // 60)):
        file.write_bytes(content[:length])
        try:
            image_file.decode_thumbnail(file, 32)
        except InputError as refusal:
            refused += 1
            assert str(file) in str(refusal)
            assert "\n" not in str(refusal)
    assert refused > 10


@pytest.mark.parametrize(
    "suffix", [".jfif", ".jpe", ".pgm", ".pnm", ".pbm", ".apng", ".avif", ".jp2", ".j2k", ".qoi", ".ico"]
)
def test_every_suffix_of_a_format_that_is_read_is_known(images, out, suffix):
    noise(0).convert("1" if suffix == ".pbm" else "RGB").save(images / f"test/cat/odd{suffix.upper()}")
    assert locate(str(images), out).test == 13


# Transparency


def disc(colour):
    """A disc of one colour and half a transparency in its middle; all around is transparent."""
    image = Image.new("RGBA", (32, 32), (*colour, 0))
    image.paste((*colour, 255), (8, 8, 24, 24))
    image.paste((*colour, 128), (14, 14, 18, 18))
    return image


TRANSPARENT = {
    "RGBA": lambda file: disc((0, 0, 0)).save(file),
    "LA": lambda file: disc((0, 0, 0)).convert("LA").save(file),
    "palette with an alpha each": lambda file: disc((0, 0, 0)).quantize(8).save(file),
    "palette with one clear colour": lambda file: (
        Image.eval(disc((0, 0, 0)).getchannel("A"), lambda a: 1 - a // 255).convert("P").save(file, transparency=1)
    ),
    "grey with one clear level": lambda file: Image.eval(
        disc((0, 0, 0)).getchannel("A"), lambda a: 9 - a // 255 * 9
    ).save(file, transparency=9),
    "grey of 16 bits with one clear level": lambda file: Image.fromarray(
        np.where(np.asarray(disc((0, 0, 0)).getchannel("A")) < 255, 99, 98).astype(np.uint16)
    ).save(file, transparency=99),
    "WebP": lambda file: disc((0, 0, 0)).save(file, "WEBP", lossless=True),
    "TIFF": lambda file: disc((0, 0, 0)).save(file, "TIFF"),
    "AVIF": lambda file: disc((0, 0, 0)).save(file, "AVIF", quality=100),
    "first frame of a moving GIF": lambda file: disc((0, 0, 0)).save(
        file, "GIF", save_all=True, append_images=[disc((255, 0, 0))]
    ),
}


@pytest.mark.parametrize("save", TRANSPARENT.values(), ids=TRANSPARENT)
def test_what_is_transparent_is_laid_on_white(tmp_path, save):
    save(tmp_path / "image.png")
    pixels = image_file.decode_thumbnail(tmp_path / "image.png", 32)
    assert (pixels[0, 0] >= 254).all() and (pixels[9, 9] <= 1).all()


def test_a_white_symbol_is_laid_on_black(tmp_path):
    for colour, ground in (((255, 255, 255), 0), ((250, 252, 255), 0), ((0, 0, 0), 255), ((255, 255, 0), 255)):
        disc(colour).save(tmp_path / "image.png")
        pixels = image_file.decode_thumbnail(tmp_path / "image.png", 32)
        assert (pixels[0, 0] == ground).all() and tuple(pixels[9, 9]) == colour
        assert pixels[16, 16].tolist() == pytest.approx([(level * 128 + ground * 127) / 255 for level in colour], abs=1)


@pytest.mark.parametrize("alpha", [0, 5])
def test_an_image_that_shows_next_to_nothing_is_laid_on_white(tmp_path, alpha):
    Image.new("RGBA", (32, 32), (9, 9, 9, alpha)).save(tmp_path / "image.png")
    assert image_file.decode_thumbnail(tmp_path / "image.png", 32).min() >= 250


def test_an_alpha_channel_without_transparency_changes_no_pixel(tmp_path):
    levels = np.arange(256, dtype=np.uint8)
    grid = np.dstack([*np.meshgrid(levels, levels), np.repeat(levels[::-1, None], 256, 1)])
    Image.fromarray(grid).save(tmp_path / "plain.png")
    Image.fromarray(np.dstack([grid, np.full((256, 256), 255, np.uint8)])).save(tmp_path / "alpha.png")
    for name in ("plain", "alpha"):
        assert np.array_equal(np.asarray(image_file.open_image(tmp_path / f"{name}.png")), grid)
