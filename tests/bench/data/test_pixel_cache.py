import os
import shutil

import numpy as np
import pytest
from image_folders import CLASSES, make_folder, without_margin
from PIL import Image

from bench.components.layouts import LAYOUTS
from bench.data import pixel_cache
from bench.data.source import locate


def test_images_are_stored_with_a_black_margin(images, out):
    for pixels, _ in pixel_cache.load(locate(str(images), out).folder).values():
        assert pixels.shape[1:] == (32 + 2 * pixel_cache.MARGIN_PX, 32 + 2 * pixel_cache.MARGIN_PX, 3)
        assert (
            pixels[:, pixel_cache.MARGIN_PX : -pixel_cache.MARGIN_PX, pixel_cache.MARGIN_PX : -pixel_cache.MARGIN_PX]
            .any(axis=(1, 2, 3))
            .all()
        )
        pixels[:, pixel_cache.MARGIN_PX : -pixel_cache.MARGIN_PX, pixel_cache.MARGIN_PX : -pixel_cache.MARGIN_PX] = 0
        assert not pixels.any()


def test_no_layout_pads_further_than_the_margin():
    assert max(layout.pad for layout in LAYOUTS.values()) == pixel_cache.MARGIN_PX


def test_training_images_are_stored_in_stratified_order(images, out):
    for name in ("train", "validation"):
        labels = without_margin(locate(str(images), out))[name][1]
        assert all(set(labels[n : n + 3]) == {0, 1, 2} for n in range(0, len(labels), 3))


def test_locating_again_decodes_nothing(images, out, decoded_files):
    first = locate(str(images), out)
    assert len(decoded_files) == 72
    assert locate(str(images), out) == first
    assert len(decoded_files) == 72


def test_a_folder_that_moved_is_the_same_data_and_is_not_decoded_again(images, out, decoded_files):
    before = locate(str(images), out)
    renamed = images.rename(images.with_name("elsewhere"))
    after = locate(str(renamed), out)
    assert after.data.digest == before.data.digest
    assert after.data.name == "elsewhere"
    assert len(decoded_files) == 72


def test_copies_that_are_decoded_apart_have_the_same_digest(images, tmp_path):
    copy = shutil.copytree(images, tmp_path / "copy", copy_function=shutil.copyfile)
    first, second = locate(str(images), tmp_path / "a"), locate(str(copy), tmp_path / "b")
    assert first.folder != second.folder
    assert first.data.digest == second.data.digest


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_digest_changes_with_a_single_pixel(images, out, split):
    before = locate(str(images), out)
    file = images / split / "dog/002.png"
    with Image.open(file) as image:
        red, green, blue = image.getpixel((5, 6))
        image.putpixel((5, 6), (red ^ 1, green, blue))
        image.save(file)
    assert locate(str(images), out).data.digest != before.data.digest


def test_the_digest_changes_with_a_label(images, out):
    before = locate(str(images), out)
    (images / "train/cat/019.png").rename(images / "train/dog/000b.png")
    assert locate(str(images), out).data.digest != before.data.digest


def test_a_pixel_changed_in_place_is_noticed_though_size_and_name_stay(tmp_path, out):
    root = make_folder(tmp_path / "images", suffix=".bmp")
    before = locate(str(root), out)
    file = root / "train/dog/002.bmp"
    stat = file.stat()
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert locate(str(root), out).data.digest != before.data.digest


def overwrite(file, root):
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)


def exchange_by_a_copy(file, root):
    shutil.copy2(root / "train/dog/003.bmp", root / "copy")
    (root / "copy").replace(file)


def exchange_two(file, root):
    for file_path, target in (
        (file, "aside"),
        (root / "train/dog/003.bmp", file),
        (root / "aside", root / "train/dog/003.bmp"),
    ):
        file_path.rename(root / target)


def point_to_another(file, root):
    file.unlink()
    file.symlink_to(root / "test/dog/003.bmp")


@pytest.mark.parametrize("change", [overwrite, exchange_by_a_copy, exchange_two, point_to_another])
@pytest.mark.parametrize("photographs", [False, True])
def test_an_image_is_known_by_its_content_though_size_and_time_stay(tmp_path, out, change, photographs):
    root = make_folder(tmp_path / "images", suffix=".bmp")
    file = root / "train/dog/002.bmp"
    file.rename(root / "target.bmp")
    file.symlink_to(root / "target.bmp")
    if change is not point_to_another:
        shutil.copy2(root / "target.bmp", file.with_name("copy"))
        file.with_name("copy").rename(file)
    for image in root.rglob("*.bmp"):
        os.utime(image, ns=(10**18, 10**18))
    before = locate(str(root), out, photographs)
    change(file, root)
    os.utime(file, ns=(10**18, 10**18))
    assert locate(str(root), out, photographs).data.digest != before.data.digest


def test_nothing_temporary_is_left_in_the_cache(images, out):
    source = locate(str(images), out)
    assert sorted(os.listdir(out / "cache")) == [source.folder.name, f"{source.folder.name}.lock"]


def test_pixels_do_not_overwrite_a_folder_that_cannot_be_removed(images, out, monkeypatch):
    source, remove = locate(str(images), out), pixel_cache.files.remove
    split = np.ones((20, 32, 32, 3)), np.arange(20) % 2
    monkeypatch.setattr(pixel_cache.files, "remove", lambda path: None if path == source.folder else remove(path))
    pixel_cache._replace(
        source.folder, lambda temporary: pixel_cache._write_splits(temporary, split, split, CLASSES[:2])
    )
    assert sorted(os.listdir(out / "cache")) == [source.folder.name, f"{source.folder.name}.lock"]
    assert locate(str(images), out) == source


def test_pixels_are_mapped_so_that_workers_share_them(images, out):
    arrays = [array for split in pixel_cache.load(locate(str(images), out).folder).values() for array in split]
    assert len(arrays) == 6
    assert all(isinstance(array, np.memmap) for array in arrays)


def test_writes_to_mapped_pixels_stay_in_their_process(images, out):
    folder = locate(str(images), out).folder
    pixel_cache.load(folder)["train"][0][:] = 7
    assert not (pixel_cache.load(folder)["train"][0] == 7).all()
