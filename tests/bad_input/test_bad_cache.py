"""Damage to decoded pixels is detected, and the images are decoded again."""

import contextlib
import json
import os
import resource
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from inputs import refusal

import ablate as command
from bench.data import pixel_cache, source
from bench.runner.backends import ray_worker
from bench.system.files import disk_fault


def cut(name):
    def harm(folder):
        file = folder / f"{name}.npy"
        os.truncate(file, file.stat().st_size - 8)

    return harm


def swapped(folder):
    shutil.copy(folder / "test_pixels.npy", folder / "train_pixels.npy")


def zeroed(folder):
    file = folder / "train_labels.npy"
    file.write_bytes(bytes(file.stat().st_size))


def blackened(folder):
    file = folder / "train_pixels.npy"
    with file.open("r+b") as opened:
        opened.seek(128)  # after what tells the shape
        opened.write(bytes(file.stat().st_size - 128))


def other_labels(folder):
    np.save(folder / "test_labels.npy", np.full(4, 7))


def pickled(folder):
    np.save(folder / "test_labels.npy", np.array([{}, {}]), allow_pickle=True)


def facts(content):
    return lambda folder: (folder / "facts.json").write_text(content)


def fact(name, value):
    def harm(folder):
        stored_facts = json.loads((folder / "facts.json").read_text())
        (folder / "facts.json").write_text(json.dumps({**stored_facts, name: value}))

    return harm


def remove_digests(folder):
    """Make the folder one of an earlier version, which stored no digests of files."""
    stored_facts = json.loads((folder / "facts.json").read_text())
    del stored_facts["files"]
    (folder / "facts.json").write_text(json.dumps(stored_facts))


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a file")


def piped(file):
    file.unlink()
    os.mkfifo(file)


def a_broken_link(folder):
    shutil.rmtree(folder)
    folder.symlink_to(folder.with_name("gone"))


HARMS = {
    **{f"{name} cut short": cut(name) for name in ("train_pixels", "train_labels", "validation_pixels", "test_labels")},
    "another's pixels": swapped,
    "labels all zero bytes": zeroed,
    "pixels all black": blackened,
    "labels of no class": other_labels,
    "labels of other classes": lambda folder: np.save(folder / "test_labels.npy", np.zeros(4, np.int64)),
    "a pickle": pickled,
    "facts empty": facts(""),
    "facts cut": facts('{"digest": "01'),
    "facts no object": facts("[1, 2]"),
    "facts without fields": facts("{}"),
    "a fact of another type": fact("digest", 3),
    "a fact that is wrong": fact("train", 5),
    "classes lost": fact("classes", ["cat"]),
    "digests lost": remove_digests,
    "a file lost": lambda folder: (folder / "test_pixels.npy").unlink(),
    "a file instead": a_file,
    "a broken link instead": a_broken_link,
    "a pipe for facts": lambda folder: piped(folder / "facts.json"),
    "a pipe for pixels": lambda folder: piped(folder / "train_pixels.npy"),
    "all lost": lambda folder: [file.unlink() for file in folder.iterdir()],
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_damaged_cache_is_noticed_and_decoded_again(root, out, harm):
    before = source.locate(str(root), out)
    contents = {file.name: file.read_bytes() for file in before.folder.iterdir()}
    harm(before.folder)
    assert source.locate(str(root), out) == before
    assert {file.name: file.read_bytes() for file in before.folder.iterdir()} == contents
    assert sorted(os.listdir(out / "cache")) == [before.folder.name, f"{before.folder.name}.lock"]


def test_a_folder_that_another_run_has_rebuilt_meanwhile_is_used(root, out, monkeypatch):
    before, load_facts, loads = source.locate(str(root), out), pixel_cache._load_facts, []
    facts("")(before.folder)

    def seen_before_the_other_run(folder, agrees):
        loaded = load_facts(folder, agrees)
        loads.append(loaded)
        if len(loads) == 1:
            assert loaded is None and source.locate(str(root), out) == before
            (folder / "of the other run").touch()
        return loaded

    monkeypatch.setattr(pixel_cache, "_load_facts", seen_before_the_other_run)
    assert source.locate(str(root), out) == before
    assert (before.folder / "of the other run").exists()


def test_a_damaged_cache_is_kept_if_an_image_has_become_unreadable(root, out):
    before = source.locate(str(root), out)
    file, times = root / "test/cat/0.png", (root / "test/cat/0.png").stat()
    file.write_bytes(bytes(times.st_size))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    facts("")(before.folder)
    assert "test/cat/0.png cannot be read as an image" in refusal(source.locate, str(root), out)
    assert before.folder.exists()


@contextlib.contextmanager
def full_disk(limit_bytes):
    """No file can grow beyond the limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "profile, limit_bytes",
    [("smoke", 20_000), ("smoke", 100), ("imagenet-smoke", 600), ("imagenet-smoke", 100)],
    ids=["pixels", "the head of pixels", "facts", "an index"],
)
def test_a_disk_that_is_full_is_told_in_one_line_and_nothing_half_is_left(error_line, root, out, profile, limit_bytes):
    words = ("plan", "relu", "--profile", profile, "--data", root, "--device", "cpu", "--out", out)
    with full_disk(limit_bytes):
        line = error_line(*words)
    assert "File too large: '" in line and str(out / "cache") in line and "make room" in line
    (lock,) = (out / "cache").iterdir()
    assert lock.suffix == ".lock"
    assert command.main([*map(str, words)]) == 0


def test_a_disk_that_is_full_on_a_machine_of_a_cluster_is_told_and_nothing_half_is_left(root, out, monkeypatch):
    before = source.locate(str(root), out)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda value: value, put=lambda value: value))
    folder = out / "elsewhere" / before.folder.name
    pixels = ray_worker.share_pixels(before)
    with full_disk(20_000), pytest.raises(OSError) as fault:
        ray_worker._write_pixels(folder, pixels)
    assert disk_fault(fault.value) == "full" and "train_pixels.npy" in str(fault.value)
    assert os.listdir(folder.parent) == [f"{folder.name}.lock"]
    ray_worker._write_pixels(folder, pixels)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        file.name: file.read_bytes() for file in before.folder.iterdir()
    }
