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
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif", ".tif", ".webp", ".ppm"])
def test_an_image_cut_short_is_refused_wherever_it_is_cut(tmp_path, suffix):
    file = tmp_path / f"image{suffix}"
    noise(0).save(file)
    whole = file.read_bytes()
    refused = 0
    for length in range(1, len(whole), max(1, len(whole) // 60)):
        file.write_bytes(whole[:length])
        try:
            image_file.decode_thumbnail(file, 32)
        except InputError as refusal:
            refused += 1
            assert str(file) in str(refusal)
            assert "\n" not in str(refusal)
    assert refused > 10
