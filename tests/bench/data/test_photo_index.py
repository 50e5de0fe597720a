"""Photographs that stay on disk are found, labelled and identified."""

import shutil

import pytest
from image_folders import PHOTO_CLASSES
from PIL import Image

from bench.data import image_sets, photo_index
from bench.data.source import locate
from bench.spec.errors import InputError


def test_an_index_holds_every_photograph_once_and_one_in_ten_for_validation(folder, source):
    assert (source.data.train, source.validation, source.test) == (27, 3, 12)
    assert (source.data.classes, source.classes, source.photographs) == (3, PHOTO_CLASSES, True)
    files = {
        split: [image_sets.photo_index.file(source.folder, split, n) for n in range(count)]
        for split, count in (("train", 27), ("validation", 3), ("test", 12))
    }
    assert sorted(files["train"] + files["validation"]) == sorted((folder / "train").glob("*/*"))
    assert sorted(files["test"]) == sorted((folder / "val").glob("*/*"))
    for split, split_files in files.items():
        labels = image_sets.photo_index.labels(source.folder, split)
        assert [PHOTO_CLASSES[label] for label in labels] == [file.parent.name for file in split_files]
        assert sorted(labels[:3]) == [0, 1, 2], "stratified"


def test_a_photograph_more_or_another_size_is_another_data_set(folder, tmp_path):
    copy = tmp_path / "copy"
    for file in folder.glob("*/*/*"):
        (copy / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / file.relative_to(folder)).write_bytes(file.read_bytes())
    digests = [locate(str(copy), tmp_path / "out", photographs=True).data.digest]
    (copy / "train" / PHOTO_CLASSES[0] / "more.JPEG").write_bytes(
        (copy / "train" / PHOTO_CLASSES[0] / "0.JPEG").read_bytes()
    )
    digests.append(locate(str(copy), tmp_path / "out", photographs=True).data.digest)
    assert locate(str(folder), tmp_path / "out", photographs=True).data.digest == digests[0] != digests[1]


def test_a_photograph_replaced_is_another_data_set(folder, tmp_path):
    copy, out = shutil.copytree(folder, tmp_path / "copy"), tmp_path / "out"
    digests = [locate(str(copy), out, photographs=True).data.digest]
    for number, split in enumerate(("train", "val")):
        Image.new("RGB", (300, 300), ("red", "blue")[number]).save(copy / split / PHOTO_CLASSES[1] / "1.JPEG")
        digests.append(locate(str(copy), out, photographs=True).data.digest)
    assert len(set(digests)) == 3
    (copy / "train" / PHOTO_CLASSES[0] / "0.JPEG").rename(copy / "train" / PHOTO_CLASSES[1] / "0b.JPEG")
    assert locate(str(copy), out, photographs=True).data.digest not in digests


def test_large_photographs_are_known_by_their_size_beginning_and_end(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_index, "READ_BYTES", 100)
    digests = []
    for size, changed in (
        (300, None),
        (300, 0),
        (300, 99),
        (300, 200),
        (300, 299),
        (301, None),
        (150, None),
        (150, 120),
    ):
        content = bytearray(size)
        if changed is not None:
            content[changed] = 1
        (tmp_path / "a").write_bytes(content)
        digests.append(photo_index._digest_content(str(tmp_path / "a")))
    assert len(set(digests)) == len(digests)


def test_what_is_not_read_is_remarked(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "val" / PHOTO_CLASSES[0] / "0.heic").touch()
    note = locate(str(copy), tmp_path / "out", photographs=True).note
    assert note.startswith("Files in train/ and val/ that are not used") and note.endswith(": 1 (.heic: 1).")
    assert locate(str(copy), tmp_path / "out", photographs=True).note == note


@pytest.mark.parametrize("name", ["auto", "digits", "cifar10", ""])
def test_small_images_are_no_photographs(name, tmp_path, monkeypatch):
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    with pytest.raises(InputError, match="takes a folder of photographs"):
        locate(name, tmp_path, photographs=True)
