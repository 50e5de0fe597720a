import shutil
import unicodedata

import numpy as np
import pytest
from image_folders import CLASSES, make_folder, noise, training_images, without_margin
from PIL import Image

from bench.data.source import locate
from bench.spec.errors import InputError


def test_a_folder_of_images_is_used_as_it_is(images, out):
    source = locate(str(images), out)
    assert source.classes == CLASSES
    assert (source.data.classes, source.data.train, source.validation, source.test) == (3, 54, 6, 12)
    assert (source.data.name, source.shared_images, source.note) == ("images", 0, "")
    shapes = {
        name: (pixels.shape, pixels.dtype, labels.dtype) for name, (pixels, labels) in without_margin(source).items()
    }
    assert shapes == {
        name: ((count, 32, 32, 3), np.uint8, np.int64)
        for name, count in (("train", 54), ("validation", 6), ("test", 12))
    }
    assert np.bincount(without_margin(source)["train"][1]).tolist() == [18, 18, 18]
    assert without_margin(source)["test"][1].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert np.array_equal(without_margin(source)["test"][0][11], np.asarray(Image.open(images / "test/eel/003.png")))
    files = (images / "train").rglob("*.png")
    assert training_images(source) == sorted(
        (CLASSES.index(f.parent.name), np.asarray(Image.open(f)).tobytes()) for f in files
    )


def test_other_files_beside_the_images_are_no_images(images, out):
    plain = locate(str(images), out)
    (images / "train/cat/notes.txt").write_text("not an image")
    (images / "train/README").write_text("not a class")
    assert locate(str(images), out) == plain


def test_files_that_might_be_images_are_not_passed_over_in_silence(images, out):
    for place in ("train/cat/0.heic", "train/cat/1.HEIC", "test/dog/2.svg", "test/eel/photo", "train/loose.png"):
        (images / place).write_bytes(b"something")
    (images / "test/eel/\x1b[2J.\x1b[2J").write_bytes(b"something")
    shutil.copytree(images / "test", images / "val")
    (images / "test/dog/Thumbs.db").write_bytes(b"something")
    source = locate(str(images), out)
    assert source.data.train == 54
    assert source.note == (
        "val/ is not used: validation is one in ten of train/. Files in train/ and test/ that are not used, because "
        r"of their format, or outside of a class's folder: 6 (.heic: 2, .png: 1, .svg: 1, .\x1b[2j: 1, no suffix: 1)."
    )


def test_a_class_without_an_image_that_is_read_is_refused_with_the_formats(images, out):
    for file in (images / "test/dog").iterdir():
        file.rename(file.with_suffix(".heic"))
    with pytest.raises(InputError, match=r"no image in .*dog: .* of format JPEG, PNG, "):
        locate(str(images), out)


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_classes_are_the_same_whatever_form_of_unicode_their_names_have(images, out, forms):
    before = locate(str(images), out)
    for split, form in zip(("train", "test"), forms, strict=True):
        for name, new in (("cat", "caf\u00e9"), ("dog", "cag\u00e9")):  # the former comes later in NFD than in NFC
            (images / split / name).rename(images / split / unicodedata.normalize(form, new))
    source = locate(str(images), out)
    assert source.data == before.data
    assert source.classes == ("caf\u00e9", "cag\u00e9", "eel")


def test_two_classes_of_one_name_in_two_forms_are_refused(images, out):
    for form, name in (("NFC", "cat"), ("NFD", "dog")):
        (images / "train" / name).rename(images / "train" / unicodedata.normalize(form, "caf\u00e9"))
    with pytest.raises(InputError, match="both shown as caf\u00e9: merge them"):
        locate(str(images), out)


def test_suffixes_may_be_in_capitals(tmp_path, out):
    assert locate(str(make_folder(tmp_path / "old camera", suffix=".JPG")), out).data.train == 54


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
    """Leave one image in a class: validation takes it, so that none is left for training."""
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


def test_a_repaired_folder_is_read_after_a_refusal(images, out):
    broken = no_image_at_all(images)
    with pytest.raises(InputError):
        locate(str(images), out)
    noise(77).save(broken)
    assert locate(str(images), out).data.train == 54
