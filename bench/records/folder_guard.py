"""Guard against an output folder that is moved or removed while a run uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.records import store
from bench.spec.errors import InputError


@contextmanager
def guard_folder(out: Path) -> Iterator[Callable[[], None]]:
    """Provide a function that raises InputError if the folder of the records is no longer at its path.

    Any error inside the context is replaced by this one, because it follows from the missing folder.
    """
    folder = store.folder(out)
    descriptor = os.open(folder, os.O_RDONLY)  # while it is open, no new folder gets its inode number

    def check() -> None:
        try:
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return
        except (FileNotFoundError, NotADirectoryError):
            pass
        place = folder if out.is_dir() else out
        advice = "move it back, or name its new place with --out, and run the same command again to continue"
        raise InputError(f"{place} was moved or removed during the run: {advice}")

    try:
        yield check
    except Exception:
        check()
        raise
    finally:
        os.close(descriptor)
