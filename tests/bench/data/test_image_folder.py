import shutil

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


def test_a_mended_folder_is_read_after_a_refusal(images, out):
    broken = no_image_at_all(images)
    with pytest.raises(InputError):
        locate(str(images), out)
    noise(77).save(broken)
    assert locate(str(images), out).data.train == 54
