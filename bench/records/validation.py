"""Validation of records that may come from anywhere: types, ranges, and the identity of their job."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench import REVISION
from bench.extensions.component import find_qualified_names
from bench.metrics.table import find_metric
from bench.records import store
from bench.records.schema import MAX_METRICS, Record
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Job, Probe, Timing, Trial, describe, identity

JOB_TYPES: dict[str, Any] = {"trial": Trial, "count": Count, "timing": Timing, "probe": Probe}
PARTS = {"trial": ("data", "points"), "count": ("network",), "timing": ("samples", "fit"), "probe": ("samples",)}


def load_current(file: Path) -> dict[str, Any]:
    """Load a record of this revision; raise InputError unless it is valid and under its own name."""
    record = load_valid(file)
    if (actual := find_revision(file, record)) != REVISION:
        raise InputError(f"{file.name} is of revision {actual}, and this version measures revision {REVISION}")
    return record


def find_revision(file: Path, record: dict[str, Any]) -> int:
    """Return the revision whose identity of the job names the record; raise InputError if there is none."""
    for revision in range(REVISION, 0, -1):
        if identity(build_job(record), revision) == record["identity"] == file.stem:
            return revision
    raise InputError(f"{file.name} is not the record of its own job: changed, or of another version")


def check_names(file: Path, record: dict[str, Any], check_job: Callable[[Job], None]) -> None:
    """Raise InputError, with the file's name, if a name in the record's job has no implementation.

    Components of a study file pass: that file alone implements them.
    """
    job = build_job(record)
    if find_qualified_names(job):
        return
    try:
        check_job(job)
    except InputError as error:
        raise InputError(f"{file.name} is no record of this version: {error}") from error


def load_valid(file: Path) -> dict[str, Any]:
    """Load a record of any revision; raise InputError if a value is missing, impossible or was changed."""
    record = store.load(file)
    try:
        adapter(Record).validate_python(record, strict=True)
        job = build_job(record)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{file.name} is no record ({describe_error(error)})") from error
    if not _has_fields(record["job"], describe(job)):
        raise InputError(f"{file.name} is no record (its job lacks a field)")
    if fault := _find_missing_part(record) or _find_contradiction(record) or find_impossible_metric(record):
        raise InputError(f"{file.name} is no record ({fault})")
    if (record["schema"] > 1 or "checksum" in record) and record.get("checksum") != store.checksum(record):
        raise InputError(f"{file.name} was changed after it was measured: its checksum differs")
    return record


def _find_missing_part(record: dict[str, Any]) -> str:
    """Describe the field that a result lacks; '' for a complete record, and for a failure."""
    if store.is_failure(record):
        return ""
    if missing := [part for part in PARTS[record["kind"]] if part not in record]:
        return f"{missing[0]} is missing"
    is_empty = record["kind"] == "trial" and not (record["points"] and record["data"]["train"])
    return "no training image or no point" if is_empty else ""


def _find_contradiction(record: dict[str, Any]) -> str:
    """Describe the parts of a record that contradict each other; '' if there are none."""
    if record["ended"] < record["started"]:
        return f"it ended at {record['ended']}, before its start at {record['started']}"
    epochs = [point["epoch"] for point in record.get("points", ())]
    max_epochs = record["job"]["recipe"]["epochs"] if record["kind"] == "trial" else 0
    if epochs != sorted(epochs) or max(epochs, default=0) > max_epochs:
        return f"the epochs of its points are {reprlib.repr(epochs)}: expected ascending ones up to {max_epochs}"
    network = record.get("network", {})
    for total in ("parameters", "macs") if network else ():
        if network[total] != sum(layer[total] for layer in network["layers"]):
            return f"network.{total} is {network[total]}: expected the sum of its layers"
    return ""


def find_impossible_metric(record: dict[str, Any]) -> str:
    """Describe a value outside the range of its metric, with the range; '' if there is none."""
    measured = [item for point in record.get("points", ()) for item in point["metrics"].items()]
    measured += [(sample["metric"], sample["value"]) for sample in record.get("samples", ())]
    if len({name for name, _ in measured}) > MAX_METRICS:
        return f"it has more than {MAX_METRICS} metrics"
    for name, value in measured:
        if (metric := find_metric(name)) and not metric.is_possible(value):
            low, high = metric.limits
            return f"{name} is {value:g}: expected {low:g} to {high:g}"
    return ""


def build_job(record: dict[str, Any]) -> Job:
    """Build the job that a record's fields describe; raise ValidationError if they are invalid."""
    fields = json.dumps(record["job"])  # as JSON, strict validation takes lists for tuples and objects for dataclasses
    job: Job = adapter(JOB_TYPES[record["kind"]]).validate_json(fields, strict=True, extra="forbid")
    return job


@cache
def adapter(form: Any) -> TypeAdapter[Any]:
    """Return pydantic's validator of a type, built once."""
    return TypeAdapter(form)


def describe_error(error: Exception) -> str:
    """Describe the first failure on one line: the field, its value and what is expected."""
    if not isinstance(error, ValidationError):
        return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "it"
    if first["type"] == "missing":
        return f"{field} is missing"
    return f"{field} is {reprlib.repr(first['input'])}: {first['msg']}"


def _has_fields(fields: Any, expected: Any) -> bool:
    """Whether no field that makes up the identity was filled in by its default."""
    if isinstance(expected, dict):
        return all(name in fields and _has_fields(fields[name], value) for name, value in expected.items())
    return not isinstance(expected, list) or all(map(_has_fields, fields, expected))
