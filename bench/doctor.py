"""What is pending, broken, stale or orphaned under `out` and in MLflow, and how each is mended."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench import checks, leftovers, records, words
from bench.sources import line
from bench.spec import BadInput

BROKEN = "broken"  # where what cannot be used is put: nothing that was measured is deleted


class Finding(NamedTuple):
    """state: 'pending' (the next run goes on with it), 'running', 'broken', 'stale' or 'orphaned'. mend: does what can
    be done."""

    state: str
    what: str
    mend: Callable[[], object] | None = None


def examine(out: Path) -> Iterator[Finding]:
    whole: dict[str, Any] = {}
    yield from _records(out, whole)
    yield from _unfinished(out)
    yield from _rest(out)
    if (out / "mlflow.db").exists() and importlib.util.find_spec("mlflow"):
        yield from _published(out, whole)


def _records(out: Path, whole: dict[str, Any]) -> Iterator[Finding]:
    """Fills `whole` with the records that can be used, by identity."""
    for file in sorted(records.folder(out).glob("*.json")):
        try:
            record = whole[file.stem] = checks.checked(file)
        except BadInput as error:
            yield Finding("broken", line(str(error)), partial(_aside, file, out))
            continue
        if records.failed(record):
            yield Finding("pending", f"{file.name}: {record['status']} ({record['reason']}): run --retry-failed")


def _unfinished(out: Path) -> Iterator[Finding]:
    """Part files, checkpoints and locks of trials that are not done, or failed."""
    for name in leftovers.unfinished(out):
        if leftovers.held(out, name):
            yield Finding("running", f"{name}: a run is at it")
        elif not leftovers.finished(out, name):
            going = "its checkpoint" if (records.folder(out) / f"{name}.checkpoint").exists() else "the start"
            yield Finding("pending", f"{name}: interrupted; the next run goes on from {going}")


def _rest(out: Path) -> Iterator[Finding]:
    yield from (Finding("stale", what, remove) for what, remove in leftovers.found(out))
    for file in sorted(records.folder(out).glob("*.safetensors")):
        if not records.path(out, file.stem).exists():
            yield Finding("orphaned", f"{file.name}: weights without a record", partial(_aside, file, out))


def _published(out: Path, whole: dict[str, Any]) -> Iterator[Finding]:
    from bench import publish  # imports mlflow, which may be absent

    try:
        yield from (Finding(*finding) for finding in publish.examine(out, whole))
    except Exception as error:  # a driver's own may be any
        database = out / "mlflow.db"  # the next run makes another and publishes again
        ours = publish.uri(out) == f"sqlite:///{database.resolve()}"
        why = f"MLflow: {publish.uri(out)} cannot be read ({words.brief(error)})"
        yield Finding("broken", why, partial(_aside, database, out) if ours else None)


def _aside(file: Path, out: Path) -> None:
    """Under a name that is free: the same record may have been broken before."""
    target, again = out / BROKEN / file.name, 1
    while target.exists():
        again += 1
        target = target.with_name(f"{file.stem}.{again}{file.suffix}")
    target.parent.mkdir(exist_ok=True)
    file.replace(target)
