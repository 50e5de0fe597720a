"""Locks between processes, and file systems without them."""

import errno
import os

import pytest
from filelock import Timeout

from bench.system import locks


@pytest.fixture
def no_locks(monkeypatch):
    """A function that takes the locks from every file system."""

    def refuse(number):
        def flock(*_):
            raise OSError(number, os.strerror(number))

        locks._check_once.cache_clear()
        monkeypatch.setattr("fcntl.flock", flock)

    yield refuse
    locks._check_once.cache_clear()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_named(tmp_path, no_locks, number):
    no_locks(number)
    with pytest.raises(OSError, match="No locks available") as caught, locks.lock(tmp_path / "job.lock"):
        pass
    assert (caught.value.errno, caught.value.filename) == (errno.ENOLCK, str(tmp_path))
    assert not list(tmp_path.iterdir())
    (tmp_path / "left.lock").touch()
    assert not locks.is_locked(tmp_path / "left.lock")


def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "job.lock")
    assert not locks.is_locked(tmp_path / "job.lock")


def test_a_lock_is_held_by_one_and_seen_by_all(tmp_path):
    file = tmp_path / "job.lock"
    assert not locks.is_locked(file) and not file.exists()
    with locks.lock(file):
        assert locks.is_locked(file)
        with pytest.raises(Timeout), locks.lock(file):
            pass
    assert not locks.is_locked(file)


def test_looking_at_a_lock_needs_no_permission_to_write(tmp_path):
    file = tmp_path / "job.lock"
    with locks.lock(file):
        file.chmod(0o444)
        tmp_path.chmod(0o555)
        assert locks.is_locked(file)
    tmp_path.chmod(0o755)
