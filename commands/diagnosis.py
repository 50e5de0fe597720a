"""What is pending, broken, stale or orphaned under `out` and in MLflow, and how each is mended."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from bench import REVISION
from bench.records import cleanup, store, validation
from bench.spec.errors import InputError
from bench.system.text import printable
from bench.tracking.mlflow_format import brief

DAMAGED = "is not a database", "malformed"  # what SQLite says, and not where it is locked or of a later version
BROKEN = "broken"  # where what cannot be used is put: nothing that was measured is deleted


class Finding(NamedTuple):
    """state: 'pending' (a run goes on with it), 'running', 'earlier' (of an earlier version), 'broken', 'stale' or
    'orphaned'. mend: does what can be done."""

    state: str
    what: str
    mend: Callable[[], object] | None = None


def examine(out: Path) -> Iterator[Finding]:
    whole: dict[str, Any] = {}
    yield from _records(out, whole)
    yield from _unfinished(out)
    yield from _rest(out)
    if importlib.util.find_spec("mlflow"):
        yield from _published(out, whole)


def _records(out: Path, whole: dict[str, Any]) -> Iterator[Finding]:
    """Fills `whole` with the records that can be used, by identity."""
    for file in sorted(store.folder(out).glob("*.json")):
        try:
            record = validation.legible(file)
            revision = validation.revision(file, record)
        except InputError as error:
            what = printable(str(error)).removesuffix(store.ASIDE)
            yield Finding("broken", f"{what}: --mend puts it into {out / BROKEN}", partial(_aside, file, out))
            continue
        whole[file.stem] = record
        if revision != REVISION:
            yield Finding("earlier", f"{file.name}: of revision {revision}: kept, not used")
        elif store.failed(record):
            yield Finding("pending", f"{file.name}: {record['status']} ({record['reason']}): run --retry-failed")


def _unfinished(out: Path) -> Iterator[Finding]:
    """Part files, checkpoints and locks of trials that are not done, or failed."""
    for name in cleanup.unfinished(out):
        if cleanup.held(out, name):
            yield Finding("running", f"{name}: a run is at it")
        elif not cleanup.finished(out, name):
            if (store.folder(out) / f"{name}.checkpoint").exists():
                yield Finding("pending", f"{name}: interrupted; a run that asks for it goes on from its checkpoint")
            else:
                what = f"{name}: interrupted before its first checkpoint; a run that asks for it starts it again"
                yield Finding("pending", what, partial(cleanup.clear, out, name))


def _rest(out: Path) -> Iterator[Finding]:
    yield from (Finding("stale", what, remove) for what, remove in cleanup.found(out))
    for file in sorted(store.folder(out).glob("*.safetensors")):
        if not store.path(out, file.stem).exists():
            yield Finding("orphaned", f"{file.name}: weights without a record", partial(_aside, file, out))


def _published(out: Path, whole: dict[str, Any]) -> Iterator[Finding]:
    try:
        from bench.tracking import consistency  # imports mlflow, which may be absent

        for state, what, mend in consistency.examine(out, whole):
            yield Finding(state, what, mend and partial(_tell, mend))
    except Exception as error:  # a driver's own may be any
        address = os.environ.get("MLFLOW_TRACKING_URI")
        why = f"MLflow: {address or out / 'mlflow.db'} cannot be read ({brief(error)})"
        damaged = not address and any(said in str(error) for said in DAMAGED)  # the next run makes another
        yield Finding("broken", why, partial(_aside, out / "mlflow.db", out) if damaged else None)


def _tell(mend: Callable[[], object]) -> None:
    try:
        mend()
    except Exception as error:  # as above
        raise InputError(f"MLflow cannot be mended: {brief(error)}") from error


def _aside(file: Path, out: Path) -> None:
    """Under a name that is free, since the same record may have been broken before; a database with its journal, which
    would be played back into the next one."""

    def target(name: str, number: int) -> Path:
        stem, dot, end = name.rpartition(".")
        return out / BROKEN / (name if number == 1 else f"{stem}.{number}{dot}{end}")

    number = next(number for number in count(1) if not target(file.name, number).exists())
    (out / BROKEN).mkdir(exist_ok=True)
    for moved in (file, *file.parent.glob(f"{file.name}-*")):
        moved.replace(target(moved.name, number))
