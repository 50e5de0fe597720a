"""Files that are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path

TEMPORARY = re.compile(r"\..+\.(\w+)-(\d+)-\w+\.tmp(-\w+)?")  # SQLite's journal has its database's name, and more
DISK_FAULTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "full"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "denied"),
    **dict.fromkeys((errno.EROFS, errno.EIO), "failing"),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR), "misplaced"),
}


def disk_fault(error: BaseException) -> str:
    """Return why a file or a disk cannot be used: 'full', 'denied', 'failing' or 'misplaced'; '' for other errors."""
    number = error.errno if isinstance(error, OSError) else None  # pebble's ProcessExpired is an OSError without one
    return DISK_FAULTS.get(number or 0, "")


def write(target: Path, content: bytes) -> None:
    """By a file beside it that is renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    made = temporary(target)
    try:
        made.write_bytes(content)
        place(made, target)
    except OSError as error:  # of a file that is open it does not tell the name
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        made.unlink(missing_ok=True)


def place(made: Path, target: Path) -> None:
    """Rename a file, or a folder of files, that is whole. The content reaches the disk before the name does: a power
    cut leaves what was there before, or all of the new.
    """
    for part in (*made.iterdir(), made) if made.is_dir() else (made,):
        _flush(part)
    os.replace(made, target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    folder = path.is_dir()
    with suppress(OSError) if folder else nullcontext():  # not every system can: the content is safe by then
        opened = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def temporary(target: Path) -> Path:
    """Where what is to become `target` is made: `leftovers` knows it by its name."""
    return target.with_name(f".{target.name}.{_here()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")


def leftovers(folder: Path) -> list[Path]:
    """Temporary files and folders in the folder whose process is gone: it was killed as it wrote. Of another machine's,
    or another container's, nobody here can tell.
    """
    _, folders, found = next(os.walk(folder), ("", [], []))
    matches = [match for name in sorted(folders + found) if (match := TEMPORARY.fullmatch(name))]
    return [folder / match[0] for match in matches if match[1] == _here() and not _alive(int(match[2]))]


@cache
def _here() -> str:
    """Where a process has its number: a machine, on Linux a container."""
    numbers = Path("/proc/self/ns/pid")
    place = f"{platform.node()} {os.readlink(numbers) if numbers.exists() else ''}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]


def remove(path: Path) -> None:
    """A file or a folder, where it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # someone else's, or none
        return True
    return True
