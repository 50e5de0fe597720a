"""What is pending, broken, stale or orphaned under `out` and in MLflow, and how each is mended."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import checks, leftovers, records
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
    """Part files, checkpoints and locks of trials that are not done."""
    for name in leftovers.unfinished(out):
        if leftovers.held(out, name):
            yield Finding("running", f"{name}: a run is at it")
        elif not records.path(out, name).exists():
            going = "its checkpoint" if (records.folder(out) / f"{name}.checkpoint").exists() else "the start"
            yield Finding("pending", f"{name}: interrupted; the next run goes on from {going}")


def _rest(out: Path) -> Iterator[Finding]:
    yield from (Finding("stale", what, remove) for what, remove in leftovers.found(out))
    for file in sorted(records.folder(out).glob("*.safetensors")):
        if not records.path(out, file.stem).exists():
            yield Finding("orphaned", f"{file.name}: weights without a record", partial(_aside, file, out))


def _aside(file: Path, out: Path) -> None:
    (out / BROKEN).mkdir(exist_ok=True)
    file.replace(out / BROKEN / file.name)
