"""What processes that were killed leave under `out`, and how it is removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from bench.records import store
from bench.spec.errors import InputError
from bench.system import files


def found(out: Path, todo: Collection[str] = ()) -> Iterator[tuple[str, Callable[[], object]]]:
    """What nobody will go on with, in words, and what removes it; todo: identities of jobs that are to be run."""
    places = (out, store.folder(out), out / "cache", out / "reports")  # not deeper: more may lie there than is ours
    for file in (file for place in places for file in files.leftovers(place)):
        yield f"{file.relative_to(out)}: half written by a process that is gone", partial(files.remove, file)
    for name in unfinished(out):
        if name not in todo and finished(out, name) and not held(out, name):
            yield f"{name}: finished, but its part files are left", partial(clear, out, name)


def unfinished(out: Path) -> list[str]:
    """Identities of jobs with part files, checkpoints or locks."""
    return sorted({file.stem for end in store.UNFINISHED for file in store.folder(out).glob(f"*{end}")})


def finished(out: Path, name: str) -> bool:
    """Whether the job has a record, and not a failure's: that one can go on from its checkpoint."""
    try:
        record = store.read(out, name)
    except InputError:
        return False
    return record is not None and not store.failed(record)


def held(out: Path, name: str) -> bool:
    """Whether a worker is at the job."""
    lock = store.lock(out, name)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def clear(out: Path, name: str) -> None:
    """Where no worker is at the job, and none can begin meanwhile."""
    with suppress(Timeout), FileLock(store.lock(out, name), timeout=0):
        for file in store.unfinished(out, name):
            file.unlink(missing_ok=True)
