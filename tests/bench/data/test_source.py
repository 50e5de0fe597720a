import shutil

import pytest
from image_folders import CLASSES

from bench.data import image_folder
from bench.data import source as source_module
from bench.data.datasets import DATASETS
from bench.data.source import locate
from bench.spec.errors import InputError


def replace_cifar10(monkeypatch, decode):
    monkeypatch.setattr(source_module, "cifar10_available", lambda: True)
    monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"]._replace(decode=decode))


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


def test_auto_uses_cifar10_if_it_is_available(images, out, monkeypatch):
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    replace_cifar10(monkeypatch, image_folder.open_folder(images).decode)
    source = locate("auto", out)
    assert (source.data.name, source.note) == ("CIFAR-10", "")


def test_auto_falls_back_to_digits_where_the_download_fails_and_says_why(digits, monkeypatch):
    def fail():
        raise InputError("CIFAR-10 could not be downloaded (cut off)")

    monkeypatch.delenv("ABLATE_DATA", raising=False)
    replace_cifar10(monkeypatch, fail)
    source = locate("auto", digits.folder.parents[1])
    assert source.data == digits.data
    assert "could not be downloaded (cut off)" in source.note


def test_facts_are_the_data_field_of_a_record(images, out):
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


def test_test_images_that_are_also_in_train_are_counted_and_reported(images, out):
    shutil.copy(images / "train/cat/000.png", images / "test/cat/000.png")
    shutil.copy(images / "train/cat/001.png", images / "test/dog/000.png")
    source = locate(str(images), out)
    assert source.shared_images == 2
    assert source.note == "2 of 12 test images also stand, pixel for pixel, in train."
    assert source.facts()["shared_images"] == 2


def test_training_images_of_two_classes_are_counted_and_reported(images, out):
    shutil.copy(images / "train/cat/000.png", images / "train/dog/000.png")
    shutil.copy(images / "train/cat/001.png", images / "train/cat/002.png")
    source = locate(str(images), out)
    assert source.note == "2 of 60 training images also stand, pixel for pixel, in another class."


def test_an_image_twice_in_one_split_is_not_shared(images, out):
    shutil.copy(images / "train/cat/000.png", images / "train/cat/001.png")
    assert locate(str(images), out).shared_images == 0


def test_a_folder_with_the_name_of_a_data_set_is_told_and_how_to_name_it(digits, images, monkeypatch):
    monkeypatch.chdir(images.parent)
    images.rename("digits")
    source = locate("digits", digits.folder.parents[1])
    assert source.data == digits.data
    assert source.note == f"{digits.note} 'digits' is the data set of that name; the folder here is './digits'."
    assert locate("./digits", images.parent / "out").data.name == "digits"
    with pytest.raises(InputError, match=r"takes a folder of photographs.* the folder here is './digits'$"):
        locate("digits", images.parent / "out", photographs=True)
