"""Folders of images are used, or refused in one line that says what to repair."""

import json
import os
import shutil

import pytest
from inputs import WIDE, noise, refusal

from bench.data.source import locate
from bench.system.text import printable


def loop(root):
    (root / "train/eel").symlink_to(root / "train/eel")
    return "train/eel is a symbolic link that leads nowhere"


def loop_upwards(root):
    for split in ("train", "test"):
        (root / split / "eel").symlink_to(root)
    return "train/eel/test is a folder within a class"


def broken_link(root):
    (root / "train/cat/9.png").symlink_to(root / "gone.png")
    return "9.png is a symbolic link that leads nowhere"


def pipe(root):
    os.mkfifo(root / "train/cat/9.png")
    return "9.png is no regular file: remove it"


def nested(root):
    (root / "train/cat/more").mkdir()
    noise().save(root / "train/cat/more/0.png")
    return "cat/more is a folder within a class: move its images into"


def hidden_class(root):
    (root / "train/dog").rename(root / "train/.dog")
    return "differ (dog)"


def hidden_images(root):
    for file in list((root / "test/dog").iterdir()):
        file.rename(file.with_name(f".{file.name}"))
    return "there is no image in"


def single_class(root):
    for split in ("train", "test"):
        shutil.rmtree(root / split / "dog")
    return "one class only (cat)"


def many_classes(root):
    for number in range(150):
        (root / f"train/{number:03}").mkdir()
        noise().save(root / f"train/{number:03}/0.png")
    return "099 and 50 others): expected the same"


def newline(root):
    (root / "train/a\nb").mkdir()
    return r"there is no image in " + str(root / r"train/a\nb")


def undecodable(root):
    (root / "train" / os.fsdecode(b"\xff")).mkdir()
    return r"train/\udcff"


FOLDERS = [loop, loop_upwards, broken_link, pipe, nested, hidden_class, hidden_images, single_class]
FOLDERS += [many_classes, newline, undecodable]


@pytest.mark.parametrize("harm", FOLDERS, ids=lambda harm: harm.__name__.replace("_", " "))
def test_a_folder_that_cannot_be_used_is_refused(root, out, harm):
    assert harm(root) in refusal(locate, str(root), out)
    assert not list(out.rglob("*.npy"))


@pytest.mark.usefixtures("obeyed")
@pytest.mark.parametrize("place", ["", "train", "train/cat", "train/cat/0.png", "test/dog"])
def test_unreadable_files_are_refused(root, out, place):
    (root / place).chmod(0)
    try:
        assert "read" in refusal(locate, str(root), out)
    finally:
        (root / place).chmod(0o755)


NAMES = [
    "猫",
    "кот",
    "قط",
    "a b",
    "it's",
    '"quoted"',
    "<b>&amp;",
    "[bold]",
    "[red]",
    "a\nb",
    os.fsdecode(b"\xe9\xff"),
    "-r",
]
NAMES += ["%s{}$HOME`id`", "🐈", "[bold"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_folders_classes_and_files_may_have_any_name(root, out, name):
    for split in ("train", "test"):
        (root / split / "dog").rename(root / split / name)
    (root / "train/cat/0.png").rename(root / f"train/cat/{name}.png")
    source = locate(str(root.rename(root.with_name(name))), out)
    assert sorted(source.classes) == sorted(["cat", printable(name)])
    assert source.data.name == printable(name)
    assert json.dumps(source.facts(), ensure_ascii=False).encode().decode().isprintable()


def test_hidden_files_are_skipped(root, out):
    before = locate(str(root), out)
    for place in ("train/.ipynb_checkpoints", "test/cat/.ipynb_checkpoints", ".git"):
        (root / place).mkdir()
        shutil.copy(root / "train/cat/0.png", root / place)
    for place in ("train/.DS_Store", "train/cat/.DS_Store", "train/cat/._0.png", ".DS_Store"):
        (root / place).write_bytes(b"\0\0\0\1Bud1")
    assert locate(str(root), out) == before


def test_links_to_images_and_to_folders_are_used(root, out):
    before = locate(str(root), out)
    for place in ("train/cat/0.png", "test/dog"):
        target = root.with_name(place.replace("/", "-"))
        (root / place).rename(target)
        (root / place).symlink_to(target)
    assert locate(str(root), out).data == before.data


@pytest.mark.parametrize(
    "name, message",
    [
        ("", "DATA is empty"),
        (WIDE, "there is no folder xxx"),
        ("~nobody-of-this-name/x", "there is no folder ~nobody"),
        ("no\nwhere", r"there is no folder no\nwhere"),
        ("Digits", "there is no folder Digits: expected 'auto', 'digits', 'cifar10' or a folder"),
        (os.fsdecode(b"\xff"), r"there is no folder \udcff"),
        ("/dev/null", "there is no folder /dev/null"),
        (__file__, "test_bad_folders.py"),
    ],
    ids=ascii,
)
def test_a_name_of_data_that_leads_nowhere_is_refused(out, name, message):
    assert message in refusal(locate, name, out)
