"""Packing of photographs, with interruptions and unreadable files."""

import itertools
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

import ablate as command
from bench.data import photo_packing
from bench.data.image_sets import decode_square
from bench.spec.errors import InputError


def test_packed_photographs_keep_their_path_and_content(folder, tmp_path):
    outcomes = list(photo_packing.pack(folder, tmp_path / "packed", 144))
    assert {packed.outcome for packed in outcomes} == {"packed"} and len(outcomes) == 42
    names = sorted(file.relative_to(folder) for file in folder.glob("*/*/*"))
    assert sorted(file.relative_to(tmp_path / "packed") for file in (tmp_path / "packed").glob("*/*/*")) == names
    for name in names[:6]:
        before, after = (np.asarray(decode_square(root / name, 144), int) for root in (folder, tmp_path / "packed"))
        assert np.abs(before - after).mean() < 2


def test_packing_continues_where_it_was_stopped(folder, tmp_path):
    first_outcomes = list(itertools.islice(photo_packing.pack(folder, tmp_path / "packed", 144), 5))
    modified = {file: file.stat().st_mtime_ns for file in (tmp_path / "packed").glob("*/*/*")}
    outcomes = list(photo_packing.pack(folder, tmp_path / "packed", 144))
    assert len(first_outcomes) == 5 and sum(packed.outcome == "present" for packed in outcomes) == len(modified) >= 5
    assert all(file.stat().st_mtime_ns == modified_ns for file, modified_ns in modified.items())
    assert not [name for _, _, names in os.walk(tmp_path / "packed") for name in names if name.endswith(".tmp")]


def test_unreadable_photographs_are_reported_and_left_out(ablate, folder, tmp_path):
    (tmp_path / "images/train/a").mkdir(parents=True)
    Image.new("RGB", (300, 280)).save(tmp_path / "images/train/a/good.png")
    (tmp_path / "images/train/a/bad.jpg").write_bytes(b"\xff\xd8 nothing")
    process = ablate("pack", tmp_path / "images", tmp_path / "packed")
    assert process.returncode == 1 and "1 packed, 0 already there, 1 left out" in process.stdout
    assert "bad.jpg cannot be read as an image" in (tmp_path / "packed/broken.txt").read_text()
    assert [file.name for file in (tmp_path / "packed").glob("*/*/*")] == ["good.png.jpg"]


def test_squares_of_two_sizes_are_not_put_into_one_folder(folder, tmp_path):
    list(photo_packing.pack(folder, tmp_path / "packed", 144))
    with pytest.raises(InputError, match="packed holds squares of 144 pixels, not of 256: name another folder"):
        list(photo_packing.pack(folder, tmp_path / "packed", 256))


def test_a_folder_cannot_be_packed_into_itself(folder):
    with pytest.raises(InputError, match="name a folder outside it"):
        list(photo_packing.pack(folder, folder / "packed", 144))


def test_photographs_of_one_name_are_packed_apart_even_where_case_is_ignored(tmp_path):
    names = "x.png", "x.png.jpg", "X.PNG", "x.bmp", "x.png.JPG", "caf\u00e9.jpg", "cafe\u0301.jpg"
    place = tmp_path / "images/train/a"
    place.mkdir(parents=True)
    for number, name in enumerate(names):
        Image.new("L", (40, 40), 30 * number).save(place / name)
    outcomes = list(photo_packing.pack(tmp_path / "images", tmp_path / "packed", 32))
    packed_files = list((tmp_path / "packed").glob("*/*/*"))
    assert len(outcomes) == len({unicodedata.normalize("NFC", file.name.casefold()) for file in packed_files}) == 7
    shades = sorted(int(decode_square(file, 32)[16, 16, 0]) for file in packed_files)
    assert shades == pytest.approx([0, 30, 60, 90, 120, 150, 180], abs=3)


def test_a_photograph_that_was_replaced_is_packed_again(tmp_path):
    file, target = tmp_path / "images/train/a/1.jpg", tmp_path / "packed"
    file.parent.mkdir(parents=True)
    for colour in ((0, 0, 0), (200, 200, 200)):
        Image.new("RGB", (40, 40), colour).save(file)
        os.utime(file, ns=(10**18, 10**18))
        outcomes = [packed.outcome for _ in range(2) for packed in photo_packing.pack(tmp_path / "images", target, 32)]
        assert outcomes == ["packed", "present"]
        assert decode_square(target / "train/a/1.jpg", 32)[0, 0].tolist() == pytest.approx(colour, abs=2)


def test_a_square_whose_photograph_is_gone_or_unreadable_is_told(capsys, tmp_path):
    place, target = tmp_path / "images/train/a", tmp_path / "packed"
    place.mkdir(parents=True)
    for name in ("1.jpg", "2.png", "3.jpg"):
        Image.new("RGB", (40, 40)).save(place / name)
    assert {packed.outcome for packed in photo_packing.pack(tmp_path / "images", target, 32)} == {"packed"}
    (place / "2.png").unlink()
    (place / "3.jpg").write_bytes(b"nothing")
    assert command.main(["pack", str(tmp_path / "images"), str(target), "--side", "32"]) == 1
    output = capsys.readouterr().out
    stale = f"such as {target / 'train/a/2.png.jpg'}: remove them"
    assert f"2 of the squares have no readable photograph any more, {stale}" in output.replace("\n", "")
    assert "0 packed, 1 already there, 1 left out" in output
    assert len(list(target.glob("*/*/*"))) == 3


def test_what_is_no_photograph_is_told_and_opened_by_nobody(tmp_path):
    place = tmp_path / "images/train/a"
    place.mkdir(parents=True)
    Image.new("RGB", (40, 40)).save(place / "1.png")
    (place / "2.heic").touch()
    os.mkfifo(place / "3.jpg")
    remark, *outcomes = photo_packing.pack(tmp_path / "images", tmp_path / "packed", 32)
    assert remark.outcome == "remark" and "(.heic: 1)" in remark.text
    assert sorted(packed.outcome for packed in outcomes) == ["packed", "unreadable"]
