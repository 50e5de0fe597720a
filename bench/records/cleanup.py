"""Files that killed processes left in an output folder, and their removal."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from itertools import count
from pathlib import Path

from filelock import Timeout

from bench.records import store
from bench.spec.errors import InputError
from bench.system import files, locks

BROKEN = "broken"  # folder for unusable files: no measurement is ever deleted


def find_leftovers(out: Path, pending: Collection[str] = ()) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield (description, remove) for each abandoned file.

    Args:
        out: The output folder.
        pending: Identities of jobs that are about to run, whose checkpoints are needed.
    """
    for file in (file for folder in _folders(out) for file in files.find_leftovers(folder)):
        yield f"{file.relative_to(out)}: incomplete, left by a process that was killed", partial(files.remove, file)
    for identity in find_unfinished(out):
        if identity not in pending and has_result(out, identity) and not is_running(out, identity):
            yield f"{identity}: finished, but its temporary files remain", partial(remove_abandoned, out, identity)


def find_misplaced(out: Path) -> Iterator[tuple[Path, str]]:
    """Yield (path, kind) of each pipe, socket or device in an output folder, and of each folder among the records.

    To open one might take forever.
    """
    for folder in _folders(out):
        with os.scandir(folder) if folder.is_dir() else nullcontext(()) as entries:
            for entry in [*entries]:  # the caller may move them
                if not (entry.is_file() or (entry.is_dir() and folder != store.folder(out))):
                    kind = files.find_kind(Path(entry.path))
                    yield from [(Path(entry.path), kind)] * bool(kind)  # a link may lead nowhere


def _folders(out: Path) -> tuple[Path, ...]:
    """Return the folders of this harness's own files; deeper ones may hold the user's."""
    return out, store.folder(out), out / "cache", out / "reports"


def find_unfinished(out: Path) -> list[str]:
    """Return the identities of jobs with part files, checkpoints or locks."""
    suffixes = store.UNFINISHED_SUFFIXES
    return sorted({file.stem for suffix in suffixes for file in store.folder(out).glob(f"*{suffix}")})


def has_result(out: Path, identity: str) -> bool:
    """Whether the job has a valid record of a result; a failed job may still continue from its checkpoint."""
    try:
        record = store.read(out, identity)
    except InputError:
        return False
    return record is not None and not store.is_failure(record)


def is_running(out: Path, identity: str) -> bool:
    """Whether a worker holds the job's lock."""
    return locks.is_locked(store.lock_file(out, identity))


def remove_abandoned(out: Path, identity: str) -> None:
    """Remove a job's unfinished files under its lock; do nothing if a worker holds it."""
    with suppress(Timeout), locks.lock(store.lock_file(out, identity)):
        for file in store.unfinished_files(out, identity):
            file.unlink(missing_ok=True)


def move_aside(file: Path, out: Path) -> None:
    """Move a file to the folder of broken files, under a free name.

    A database's journal is moved with it, because SQLite would replay it into the next database.
    """

    def target(name: str, number: int) -> Path:
        stem, dot, suffix = name.rpartition(".")
        return out / BROKEN / (name if number == 1 else f"{stem}.{number}{dot}{suffix}")

    number = next(number for number in count(1) if not target(file.name, number).exists())
    (out / BROKEN).mkdir(exist_ok=True)
    for moved_file in (file, *file.parent.glob(f"{file.name}-*")):
        moved_file.replace(target(moved_file.name, number))
