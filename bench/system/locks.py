"""Locks between processes, as files beside what they protect."""

from __future__ import annotations

import errno
import fcntl
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from filelock import FileLock


def lock(file: Path, timeout_s: float = 0.0) -> FileLock:
    """Return a lock to hold by `with`, which raises filelock's Timeout if another process holds it too long.

    Args:
        file: The lock's file, which is created.
        timeout_s: Longest wait; no limit if negative.

    Raises:
        OSError: The folder is missing or cannot be written, or its file system has no locks.
    """
    _check_once(file.parent)
    file.parent.stat()  # filelock would create a folder that was moved after the check
    return FileLock(file, timeout=timeout_s)


def check_folder(folder: Path) -> None:
    """Raise OSError, naming the folder, unless files can be written and locked in it.

    Without this check filelock would fail without a name, or use locks that survive their process.
    """
    number = 0
    try:
        with TemporaryFile(dir=folder) as file:
            number = errno.ENOLCK  # a file system without locks may say something else
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        number = number or error.errno or errno.EIO
        raise OSError(number, os.strerror(number), str(folder)) from error


_check_once = cache(check_folder)


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock; needs no permission to write."""
    if not file.is_file():  # to open a pipe would wait for a writer
        return False
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        if error.filename:  # the file cannot be opened; without a name, the file system has no locks
            raise
    return False
