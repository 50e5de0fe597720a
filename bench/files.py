"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)  # a disk that takes no more
SUFFIX = ".tmp"


def write(target: Path, content: bytes) -> None:
    """By a file beside it that is renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    made = temporary(target)
    try:
        made.write_bytes(content)
        os.replace(made, target)
    finally:
        made.unlink(missing_ok=True)


def temporary(target: Path) -> Path:
    """Where what is to become `target` is made: `leftovers` knows it by its name."""
    return target.with_name(f".{target.name}.{os.getpid()}{SUFFIX}")


def leftovers(folder: Path) -> list[Path]:
    """Temporary files below the folder whose process is gone: it was killed as it wrote."""
    return [file for file in folder.rglob(f".*{SUFFIX}") if not _alive(file.name.split(".")[-2])]


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:  # someone else's
        return True
    return True
