"""Atomic file writes: a file is complete or absent after any interruption."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path

from bench.spec.errors import InputError

TEMPORARY = re.compile(r"\..+\.(\w+)-(\d+)-\w+\.tmp(-\w+)?")  # SQLite appends a suffix for its journal
DISK_FAULTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "full"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "denied"),
    **dict.fromkeys((errno.EROFS, errno.EIO), "failing"),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "misplaced"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.EAGAIN), "exhausted"),
    errno.ENOLCK: "lockless",
}
KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    **dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK), "a device"),
}
NO_TEMPORARY = "temporary directory"  # in messages of tempfile and matplotlib
NO_FLUSH = errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP  # of a file system that cannot flush; the content is written


def disk_fault(error: BaseException) -> str:
    """Return why files cannot be used: 'no temporary folder', or one of DISK_FAULTS' values; '' for other errors."""
    if isinstance(error, OSError) and NO_TEMPORARY in str(error):
        return "no temporary folder"
    number = error.errno if isinstance(error, OSError) else None  # pebble's ProcessExpired is an OSError without one
    return DISK_FAULTS.get(number or 0, "")


def find_kind(path: Path) -> str:
    """Return what a path leads to, one of KINDS' values; '' if nothing can be found there."""
    try:
        return KINDS[stat.S_IFMT(path.stat().st_mode)]
    except OSError:
        return ""


def check_kind(file: Path) -> None:
    """Raise InputError for a pipe or a device, whose content may never begin or end."""
    mode = file.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{file.name} is no regular file")


def read(file: Path) -> bytes:
    """Return a file's content; raise InputError for a pipe or a device."""
    check_kind(file)
    return file.read_bytes()


def write(target: Path, content: bytes) -> None:
    """Write a file beside its target, and rename it into place; a missing folder is an error, as it may have moved."""
    temporary = temporary_path(target)
    try:
        temporary.write_bytes(content)
        move_into_place(temporary, target)
    except OSError as error:  # an error about an open file lacks its name
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        temporary.unlink(missing_ok=True)


def move_into_place(temporary: Path, target: Path) -> None:
    """Rename a complete file, or a folder of files, to its target.

    The content reaches the disk before the name does: a power cut leaves either the old or all of the new.
    """
    for path in (*temporary.iterdir(), temporary) if temporary.is_dir() else (temporary,):
        _flush(path)
    os.replace(temporary, target)
    _flush(target.parent)


def temporary_path(target: Path) -> Path:
    """Return a path beside the target at which to make it; `find_leftovers` recognises its name."""
    return target.with_name(f".{target.name}.{_process_namespace()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")


def find_leftovers(folder: Path) -> list[Path]:
    """Return the temporary files and folders of processes that were killed on this machine, in this container."""
    _, folders, names = next(os.walk(folder), ("", [], []))
    matches = [match for name in sorted(folders + names) if (match := TEMPORARY.fullmatch(name))]
    return [folder / match[0] for match in matches if match[1] == _process_namespace() and not _is_alive(int(match[2]))]


def remove(path: Path) -> None:
    """Remove a file or a folder, where it exists and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _flush(path: Path) -> None:
    is_folder = path.is_dir()
    with suppress(OSError) if is_folder else nullcontext():  # not every system can flush folders; the content is safe
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in NO_FLUSH:
                raise OSError(error.errno, error.strerror, str(path)) from error  # the error lacks the name
        finally:
            os.close(descriptor)


@cache
def _process_namespace() -> str:
    """Return a digest of the machine, or of the container on Linux, in which process ids are unique."""
    namespace = Path("/proc/self/ns/pid")
    place = f"{platform.node()} {os.readlink(namespace) if namespace.exists() else ''}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's process, or no process number
        return True
    return True
