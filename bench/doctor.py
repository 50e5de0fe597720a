"""What is pending, broken, stale or orphaned under `out` and in MLflow, and how each is mended."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from bench import checks, files, records
from bench.spec import BadInput

BROKEN = "broken"  # where what cannot be used is put: nothing that was measured is deleted


class Finding(NamedTuple):
    """state: 'pending' (the next run goes on with it), 'running', 'broken', 'stale' or 'orphaned'. mend: does what can
    be done."""

    state: str
    what: str
    mend: Callable[[], object] | None = None


def examine(out: Path) -> Iterator[Finding]:
    yield from _records(out)
    yield from _unfinished(out)
    yield from _rest(out)
    if (out / "mlflow.db").exists() and importlib.util.find_spec("mlflow"):
        from bench import publish  # imports mlflow, which may be absent

        yield from (Finding(*finding) for finding in publish.examine(out))


def _records(out: Path) -> Iterator[Finding]:
    for file in sorted(records.folder(out).glob("*.json")):
        try:
            record = checks.checked(file)
        except BadInput as error:
            yield Finding("broken", str(error), partial(_aside, file, out))
            continue
        if records.failed(record):
            yield Finding("pending", f"{file.name}: {record['status']} ({record['reason']}): run --retry-failed")


def _unfinished(out: Path) -> Iterator[Finding]:
    """Part files, checkpoints and locks of trials that have no record, and those that were left beside one."""
    names = {file.stem for end in records.UNFINISHED for file in records.folder(out).glob(f"*{end}")}
    for name in sorted(names):
        if _held(out, name):
            yield Finding("running", f"{name}: a run is at it")
        elif records.path(out, name).exists():
            yield Finding("stale", f"{name}: finished, but its part files are left", partial(_clear, out, name))
        else:
            going = "its checkpoint" if (records.folder(out) / f"{name}.checkpoint").exists() else "the start"
            yield Finding("pending", f"{name}: interrupted; the next run goes on from {going}")


def _rest(out: Path) -> Iterator[Finding]:
    for file in files.leftovers(out):
        yield Finding("stale", f"{file.relative_to(out)}: half written by a process that is gone", file.unlink)
    for folder in sorted((out / "cache").glob("*.*")):
        if not (folder / "facts.json").exists():
            yield Finding("stale", f"{folder.relative_to(out)}: half decoded", partial(shutil.rmtree, folder))
    for file in sorted(records.folder(out).glob("*.safetensors")):
        if not records.path(out, file.stem).exists():
            yield Finding("orphaned", f"{file.name}: weights without a record", partial(_aside, file, out))


def _held(out: Path, name: str) -> bool:
    lock = records.lock(out, name)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _clear(out: Path, name: str) -> None:
    for file in records.unfinished(out, name):
        file.unlink(missing_ok=True)


def _aside(file: Path, out: Path) -> None:
    (out / BROKEN).mkdir(exist_ok=True)
    file.replace(out / BROKEN / file.name)
