import os
import shutil
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.components.layouts import LAYOUTS
from bench.data import datasets, image_folder, pixel_cache, sampling
from bench.data.source import locate
from bench.spec.errors import InputError

CLASSES = ("cat", "dog", "eel")


def noise(seed, size=(32, 32)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def make(root, classes=CLASSES, train=20, test=4, suffix=".png"):
    """A folder of images, every one another."""
    seed = 0
    for split, count in (("train", train), ("test", test)):
        for name in classes:
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                noise(seed).save(root / split / name / f"{number:03}{suffix}")
                seed += 1
    return root


def stored(source):
    """Pixels and labels of each split, without the margin."""
    inner = slice(pixel_cache.MARGIN, -pixel_cache.MARGIN)
    return {
        name: (pixels[:, inner, inner], labels) for name, (pixels, labels) in pixel_cache.load(source.folder).items()
    }


def kept(source):
    """Every image of train and validation with its label, sorted."""
    splits = (stored(source)[name] for name in ("train", "validation"))
    return sorted((int(label), image.tobytes()) for split in splits for image, label in zip(*split, strict=True))


@pytest.fixture
def images(tmp_path):
    return make(tmp_path / "images")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def decodings(monkeypatch):
    """Every file that is decoded."""
    seen, decode = [], image_folder._pixels
    monkeypatch.setattr(image_folder, "_pixels", lambda file: seen.append(file) or decode(file))
    return seen


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network and no CIFAR-10 on disk; the attempts to reach it."""
    attempts = []

    def refuse(address, timeout=None):
        attempts.append((address, timeout))
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    return attempts


# A folder of images


def test_a_folder_of_images_is_used_as_it_is(images, out):
    source = locate(str(images), out)
    assert source.classes == CLASSES
    assert (source.data.classes, source.data.train, source.validation, source.test) == (3, 54, 6, 12)
    assert (source.data.name, source.shared_images, source.note) == ("images", 0, "")
    shapes = {name: (pixels.shape, pixels.dtype, labels.dtype) for name, (pixels, labels) in stored(source).items()}
    assert shapes == {
        name: ((count, 32, 32, 3), np.uint8, np.int64)
        for name, count in (("train", 54), ("validation", 6), ("test", 12))
    }
    assert np.bincount(stored(source)["train"][1]).tolist() == [18, 18, 18]
    assert stored(source)["test"][1].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert np.array_equal(stored(source)["test"][0][11], np.asarray(Image.open(images / "test/eel/003.png")))
    files = (images / "train").rglob("*.png")
    assert kept(source) == sorted((CLASSES.index(f.parent.name), np.asarray(Image.open(f)).tobytes()) for f in files)


def test_images_are_stored_with_a_black_margin(images, out):
    for pixels, _ in pixel_cache.load(locate(str(images), out).folder).values():
        assert pixels.shape[1:] == (32 + 2 * pixel_cache.MARGIN, 32 + 2 * pixel_cache.MARGIN, 3)
        assert (
            pixels[:, pixel_cache.MARGIN : -pixel_cache.MARGIN, pixel_cache.MARGIN : -pixel_cache.MARGIN]
            .any(axis=(1, 2, 3))
            .all()
        )
        pixels[:, pixel_cache.MARGIN : -pixel_cache.MARGIN, pixel_cache.MARGIN : -pixel_cache.MARGIN] = 0
        assert not pixels.any()


def test_no_layout_pads_further_than_the_margin():
    assert max(layout.pad for layout in LAYOUTS.values()) == pixel_cache.MARGIN


def test_training_images_are_stored_in_stratified_order(images, out):
    for name in ("train", "validation"):
        labels = stored(locate(str(images), out))[name][1]
        assert all(set(labels[n : n + 3]) == {0, 1, 2} for n in range(0, len(labels), 3))


def test_other_files_beside_the_images_are_no_images(images, out):
    plain = locate(str(images), out)
    (images / "train/cat/notes.txt").write_text("not an image")
    (images / "train/README").write_text("not a class")
    assert locate(str(images), out) == plain


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_any_mode_of_image_becomes_three_channels(images, out, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (32, 32)).save(images / f"train/cat/odd.{suffix}")
    source = locate(str(images), out)
    assert len(kept(source)) == 61


@pytest.mark.parametrize("size", [(64, 64), (100, 40), (20, 50), (1, 1)])
def test_images_of_any_size_are_cut_square_and_resized(images, out, size):
    image = Image.new("RGB", size, (10, 20, 30))
    image.save(images / "test/cat/000.png")
    first = stored(locate(str(images), out))["test"][0][0]
    assert (first == (10, 20, 30)).all()


def test_the_middle_of_a_wide_image_is_kept(images, out):
    wide = Image.new("RGB", (96, 32), "black")
    wide.paste("white", (32, 0, 64, 32))
    wide.save(images / "test/cat/000.png")
    assert (stored(locate(str(images), out))["test"][0][0] == 255).all()


def test_suffixes_may_be_in_capitals(tmp_path, out):
    assert locate(str(make(tmp_path / "old camera", suffix=".JPG")), out).data.train == 54


# Folders that cannot be used


def missing(root):
    shutil.rmtree(root)
    return root


def without_test(root):
    shutil.rmtree(root / "test")
    return root


def without_train(root):
    shutil.rmtree(root / "train")
    return root


def other_classes(root):
    (root / "test/eel").rename(root / "test/emu")
    return root / "train"


def further_class(root):
    shutil.copytree(root / "train/cat", root / "train/fox")
    return root / "test"


def empty_class(root):
    shutil.rmtree(root / "train/dog")
    (root / "train/dog").mkdir()
    return root / "train/dog"


def empty_test_class(root):
    for file in (root / "test/dog").iterdir():
        file.rename(file.with_suffix(".txt"))
    return root / "test/dog"


def single_image(root):
    """Validation takes it, and nothing is left to train on."""
    for file in sorted((root / "train/dog").iterdir())[1:]:
        file.unlink()
    return root / "train/dog"


def no_image_at_all(root):
    (root / "train/dog/007.png").write_text("this is text")
    return root / "train/dog/007.png"


def empty_file(root):
    (root / "test/eel/001.png").write_bytes(b"")
    return root / "test/eel/001.png"


def folder_called_image(root):
    (root / "test/eel/009.png").mkdir()
    return root / "test/eel/009.png"


def one_class(root):
    for name in ("dog", "eel"):
        shutil.rmtree(root / "train" / name)
        shutil.rmtree(root / "test" / name)
    return root / "train"


def no_classes(root):
    shutil.rmtree(root / "train")
    (root / "train").mkdir()
    return root / "train"


def flat_images(root):
    shutil.rmtree(root / "train")
    (root / "train").mkdir()
    noise(0).save(root / "train/000.png")
    return root / "train"


def file_not_folder(root):
    shutil.rmtree(root)
    root.write_text("an archive, say")
    return root


BREAKAGES = [missing, without_test, without_train, other_classes, further_class, empty_class, empty_test_class]
BREAKAGES += [
    single_image,
    no_image_at_all,
    empty_file,
    folder_called_image,
    one_class,
    no_classes,
    flat_images,
    file_not_folder,
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda b: b.__name__.replace("_", " "))
def test_a_folder_that_cannot_be_used_is_refused_in_one_line_that_names_the_path(images, out, breakage):
    named = breakage(images)
    with pytest.raises(InputError) as refusal:
        locate(str(images), out)
    assert str(named) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not list(out.rglob("*.npy"))


def test_a_refusal_names_the_classes_that_differ(images, out):
    other_classes(images)
    with pytest.raises(InputError, match=r"differ \(eel, emu\)"):
        locate(str(images), out)


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
            image_folder._pixels(file)
        except InputError as refusal:
            refused += 1
            assert str(file) in str(refusal)
            assert "\n" not in str(refusal)
    assert refused > 10


def test_a_mended_folder_is_read_after_a_refusal(images, out):
    broken = no_image_at_all(images)
    with pytest.raises(InputError):
        locate(str(images), out)
    noise(77).save(broken)
    assert locate(str(images), out).data.train == 54


# The cache and the digest


def test_a_second_look_decodes_nothing(images, out, decodings):
    first = locate(str(images), out)
    assert len(decodings) == 72
    assert locate(str(images), out) == first
    assert len(decodings) == 72


def test_a_folder_that_moved_is_the_same_data_and_is_not_decoded_again(images, out, decodings):
    before = locate(str(images), out)
    moved = images.rename(images.with_name("elsewhere"))
    after = locate(str(moved), out)
    assert after.data.digest == before.data.digest
    assert after.data.name == "elsewhere"
    assert len(decodings) == 72


def test_copies_that_are_decoded_apart_have_the_same_digest(images, tmp_path):
    copy = shutil.copytree(images, tmp_path / "copy", copy_function=shutil.copyfile)
    one, two = locate(str(images), tmp_path / "a"), locate(str(copy), tmp_path / "b")
    assert one.folder != two.folder
    assert one.data.digest == two.data.digest


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
    root = make(tmp_path / "images", suffix=".bmp")
    before = locate(str(root), out)
    file = root / "train/dog/002.bmp"
    stat = file.stat()
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert locate(str(root), out).data.digest != before.data.digest


def test_nothing_temporary_is_left_in_the_cache(images, out):
    source = locate(str(images), out)
    assert sorted(os.listdir(out / "cache")) == [source.folder.name, f"{source.folder.name}.lock"]


def test_pixels_are_not_written_over_others_that_could_not_be_removed(images, out, monkeypatch):
    source, remove = locate(str(images), out), pixel_cache.files.remove
    split = np.ones((20, 32, 32, 3)), np.arange(20) % 2
    monkeypatch.setattr(pixel_cache.files, "remove", lambda path: None if path == source.folder else remove(path))
    pixel_cache._replaced(source.folder, lambda temporary: pixel_cache._store(temporary, split, split, CLASSES[:2]))
    assert sorted(os.listdir(out / "cache")) == [source.folder.name, f"{source.folder.name}.lock"]
    assert locate(str(images), out) == source


def test_pixels_are_mapped_so_that_workers_share_them(images, out):
    arrays = [array for split in pixel_cache.load(locate(str(images), out).folder).values() for array in split]
    assert len(arrays) == 6
    assert all(isinstance(array, np.memmap) for array in arrays)


def test_what_a_process_writes_to_its_pixels_reaches_no_other(images, out):
    folder = locate(str(images), out).folder
    pixel_cache.load(folder)["train"][0][:] = 7
    assert not (pixel_cache.load(folder)["train"][0] == 7).all()


def test_facts_are_what_a_record_tells(images, out):
    source = locate(str(images), out)
    assert source.facts() == {
        "name": "images",
        "digest": source.data.digest,
        "classes": list(CLASSES),
        "train": 54,
        "validation": 6,
        "test": 12,
        "shared_images": 0,
        "note": "",
    }


# Images in both splits


def test_test_images_that_also_stand_in_train_are_counted_and_told(images, out):
    shutil.copy(images / "train/cat/000.png", images / "test/cat/000.png")
    shutil.copy(images / "train/cat/001.png", images / "test/dog/000.png")
    source = locate(str(images), out)
    assert source.shared_images == 2
    assert source.note == "2 of 12 test images also stand, pixel for pixel, in train."
    assert source.facts()["shared_images"] == 2


def test_an_image_twice_in_one_split_is_not_shared(images, out):
    shutil.copy(images / "train/cat/000.png", images / "train/cat/001.png")
    assert locate(str(images), out).shared_images == 0


# Which data set is taken


def test_digits_are_1797_images_split_by_class(digits):
    splits = stored(digits)
    (train, labels), (validation, others), (test, test_labels) = splits.values()
    assert len(train) + len(validation) + len(test) == 1797
    assert (digits.data.train, digits.validation, digits.test) == (len(train), len(validation), len(test))
    assert digits.classes == tuple("0123456789")
    shares = np.bincount(test_labels) / sum(map(np.bincount, (labels, others, test_labels)))
    assert (np.abs(shares - 0.2) < 0.01).all()
    assert np.array_equal(train[..., 0], train[..., 1])
    assert np.array_equal(train[..., 0], train[..., 2])
    assert (train.min(), train.max()) == (0, 255)
    assert "stand-in" in digits.note
    assert "mirror" in digits.note


def test_auto_takes_the_folder_that_the_environment_names(images, out, offline, monkeypatch):
    monkeypatch.setenv("ABLATE_DATA", str(images))
    assert locate("auto", out).data.name == "images"
    assert not offline


def test_a_named_data_set_goes_before_the_environment(images, out, digits, monkeypatch):
    monkeypatch.setenv("ABLATE_DATA", str(images))
    assert locate("digits", digits.folder.parents[1]).data == digits.data


def test_a_missing_folder_in_the_environment_is_refused_and_not_passed_over(tmp_path, out, offline, monkeypatch):
    monkeypatch.setenv("ABLATE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere"):
        locate("auto", out)


def test_auto_without_a_network_takes_digits_and_says_so(digits, offline):
    source = locate("auto", digits.folder.parents[1])
    assert source.data == digits.data
    assert source.note.startswith(digits.note)
    assert "neither on disk nor within reach" in source.note
    ((_, timeout),) = offline
    assert timeout == 10


def test_cifar10_on_disk_is_at_hand_without_asking_the_network(offline, tmp_path):
    assert not datasets.cifar10_at_hand()
    (tmp_path / "empty/torchvision/cifar-10-batches-py").mkdir(parents=True)
    offline.clear()
    assert datasets.cifar10_at_hand()
    assert not offline


def test_auto_takes_cifar10_where_it_is_at_hand(images, out, monkeypatch):
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    monkeypatch.setattr(datasets, "cifar10_at_hand", lambda: True)
    monkeypatch.setattr(datasets, "cifar10", image_folder.image_folder(images).decode)
    source = locate("auto", out)
    assert (source.data.name, source.note) == ("CIFAR-10", "")


def test_auto_falls_back_to_digits_where_the_download_fails_and_says_why(digits, monkeypatch):
    def fail():
        raise InputError("CIFAR-10 could not be downloaded (cut off)")

    monkeypatch.delenv("ABLATE_DATA", raising=False)
    monkeypatch.setattr(datasets, "cifar10_at_hand", lambda: True)
    monkeypatch.setattr(datasets, "cifar10", fail)
    source = locate("auto", digits.folder.parents[1])
    assert source.data == digits.data
    assert "could not be downloaded (cut off)" in source.note


def test_a_download_that_fails_is_refused_in_one_line(monkeypatch, out):
    def fail(*_, **__):
        raise RuntimeError("Dataset not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.CIFAR10", fail)
    with pytest.raises(InputError, match="could not be downloaded") as refusal:
        locate("cifar10", out)
    assert "\n" not in str(refusal.value)


# Subsets

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=120).map(np.array)


@settings(deadline=None)
@given(labels=LABELS)
def test_a_stratified_subset_is_as_even_as_can_be(labels):
    totals = np.bincount(labels, minlength=5)
    for count in range(1, len(labels) + 1):
        chosen = sampling.stratified(labels, count)
        assert len(set(chosen.tolist())) == count
        found = np.bincount(labels[chosen], minlength=5)
        unfinished = found[found < totals]
        assert found.max() - unfinished.min(initial=found.max()) <= 1


@settings(deadline=None)
@given(labels=LABELS, counts=st.tuples(st.integers(1, 120), st.integers(1, 120)))
def test_stratified_subsets_are_nested_and_always_the_same(labels, counts):
    fewer, more = sorted(min(count, len(labels)) for count in counts)
    small, large = sampling.stratified(labels, fewer), sampling.stratified(labels, more)
    assert np.array_equal(large[:fewer], small)
    assert np.array_equal(sampling.stratified(labels.copy(), fewer), small)


def test_a_stratified_subset_is_drawn_from_all_over():
    chosen = sampling.stratified(np.repeat(np.arange(10), 100), 100)
    assert (np.bincount(chosen // 100) == 10).all()
    assert len(set((chosen % 100).tolist())) > 40


def test_validation_is_one_in_ten_of_each_class_and_apart_from_train():
    labels = np.repeat(np.arange(10), 500)
    held = sampling.held_out(labels)
    assert np.bincount(labels[held]).tolist() == [50] * 10
    assert np.bincount(labels[~held]).tolist() == [450] * 10
    assert np.array_equal(held, sampling.held_out(labels.copy()))
    positions = np.flatnonzero(held) % 500
    assert 200 < positions.mean() < 300


def test_validation_of_uneven_classes_is_a_tenth_of_each_and_at_least_one():
    labels = np.array([0] * 100 + [1] * 30 + [2] * 11 + [3] * 2)
    assert np.bincount(labels[sampling.held_out(labels)]).tolist() == [10, 3, 1, 1]
