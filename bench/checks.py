"""Records that may come from anywhere: whether they are what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import records
from bench.spec import BadInput, Count, Data, Job, Model, Probe, Recipe, Timing, Trial, identity

KINDS: dict[str, type[Any]] = {"trial": Trial, "count": Count, "timing": Timing, "probe": Probe}


def checked(file: Path) -> dict[str, Any]:
    """The record in a file; raises BadInput where it is not one of this version's, whole and under its own name."""
    record = records.load(file)
    try:
        if record["schema"] != records.SCHEMA:
            raise BadInput(f"{file.name} has schema {record['schema']}, and this version reads {records.SCHEMA}")
        found = identity(job_of(record))
        if not found == record["identity"] == file.stem:
            raise BadInput(f"{file.name} is not the record of its own job: changed, or of another version")
        if record["status"] not in ("finished", "diverged", *records.FAILURES):
            raise BadInput(f"{file.name} has the status {record['status']!r}, which is none")
        deque(_values(record), maxlen=0)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{file.name} is no record ({type(error).__name__}: {error})") from error
    return record


def job_of(record: dict[str, Any]) -> Job:
    """The job that a record's fields say."""
    return _job(KINDS[record["kind"]], record["job"])


def _job(kind: type[Any], fields: dict[str, Any]) -> Any:
    parts = {"model": Model, "recipe": Recipe, "data": Data}
    known = {name: _job(parts[name], value) if name in parts else value for name, value in fields.items()}
    if kind is Timing:
        known["arms"] = tuple((arm, _job(Model, model)) for arm, model in known["arms"])
    if kind is Probe:
        known["trials"] = tuple(_job(Trial, trial) for trial in known["trials"])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})


def _values(record: dict[str, Any]) -> Iterator[Any]:
    """All that a report or MLflow reads; raises where something is missing or of another type."""
    yield from (float(record["started"]), float(record["ended"]), dict(record["environment"]), str(record["reason"]))
    for point in record.get("points", ()):
        yield from (int(point["step"]), int(point["epoch"]), float(point["time"]))
        yield from (float(value) for value in point["metrics"].values())
    for sample in record.get("samples", ()):
        yield from (str(sample["arm"]), int(sample["pair"]), str(sample["metric"]), float(sample["value"]))
    if record["kind"] == "trial" and not records.failed(record):
        yield from (str(record["data"]["name"]), str(record["data"]["digest"]), int(record["data"]["train"]))
    if "network" in record:
        yield from (int(record["network"]["parameters"]), int(record["network"]["macs"]))
        yield from map(dict, record["network"]["layers"])
