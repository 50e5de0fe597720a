"""Atomic writes: a file is complete or absent after any interruption."""

import errno
import os

import pytest

from bench.data import source
from bench.records import archive, store
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
from bench.system import files


@pytest.fixture
def disk_calls(monkeypatch):
    """The flushes and renames that reach the disk, in order, each with the name of its file or folder."""
    calls_so_far, flush, rename = [], os.fsync, os.replace

    def flushed(descriptor):
        calls_so_far.append(("flushed", os.readlink(f"/proc/self/fd/{descriptor}").rpartition("/")[2]))
        flush(descriptor)

    def renamed(temporary, target):
        rename(temporary, target)
        calls_so_far.append(("renamed", os.path.basename(target)))

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    return calls_so_far


pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc/self/fd")


def flushed_around(disk_calls, name):
    """Return the names flushed before the file got its name, and after; '...' stands for temporary names."""
    at = disk_calls.index(("renamed", name))
    before, after = (
        {"..." if file_name.endswith(".tmp") else file_name for call, file_name in calls}
        for calls in (disk_calls[:at], disk_calls[at + 1 :])
    )
    return before, after


def test_a_file_is_flushed_before_it_is_renamed_and_its_folder_afterwards(tmp_path, disk_calls):
    files.write(tmp_path / "record.json", b"content")
    assert flushed_around(disk_calls, "record.json") == ({"..."}, {tmp_path.name})


def test_an_archive_is_flushed_before_it_is_renamed(tmp_path, ran, disk_calls):
    archive.pack(ran.out, tmp_path / "results.zip", weights=False)
    assert flushed_around(disk_calls, "results.zip") == ({"..."}, {tmp_path.name})


def test_all_files_of_decoded_pixels_are_flushed_before_their_folder_is_renamed(tmp_path, disk_calls):
    folder = source.locate("digits", tmp_path).folder
    assert flushed_around(disk_calls, folder.name) == ({"...", *os.listdir(folder)}, {"cache"})


def test_files_are_written_even_if_their_folder_cannot_be_flushed(tmp_path, monkeypatch):
    original_open = os.open

    def only_files(path, *arguments):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", path)
        return original_open(path, *arguments)

    monkeypatch.setattr(os, "open", only_files)
    record = store.new_record(Count(ModelConfig())) | {"status": "finished"}
    assert store.write(tmp_path, record).exists()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_on_a_file_system_that_cannot_flush_files_are_written(tmp_path, monkeypatch, number):
    refuse_to_flush(monkeypatch, number)
    files.write(tmp_path / "record.json", b"content")
    assert (tmp_path / "record.json").read_bytes() == b"content"
    assert source.locate("digits", tmp_path).folder.is_dir()


def test_a_disk_that_fails_to_flush_is_reported_with_the_file(tmp_path, monkeypatch):
    refuse_to_flush(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=r"Input/output error: .*record\.json"):
        files.write(tmp_path / "record.json", b"content")
    with pytest.raises(OSError, match=r"Input/output error: .*digits"):
        source.locate("digits", tmp_path)
    assert not (tmp_path / "record.json").exists()


def refuse_to_flush(monkeypatch, number):
    def fsync(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
