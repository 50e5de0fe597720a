"""Validation of records that may come from anywhere: types, ranges, and the identity of their job."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic rejects typing.TypedDict before Python 3.12

from bench import REVISION
from bench.records import store
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Job, Probe, Timing, Trial, describe, identity

JOB_TYPES: dict[str, Any] = {"trial": Trial, "count": Count, "timing": Timing, "probe": Probe}
PARTS = {"trial": ("data", "points"), "count": ("network",), "timing": ("samples", "fit"), "probe": ("samples",)}
YEAR_3000_S = 32_503_680_000

Text = Annotated[str, Field(max_length=2**28)]  # pydantic rejects a lone surrogate only if a limit is set
Number = Annotated[float, Field(gt=-1e100, lt=1e100)]  # can be squared and summed
Whole = Annotated[int, Field(gt=-(10**100), lt=10**100)]
Positive = Annotated[int, Field(ge=1, lt=10**100)]
Seconds = Annotated[float, Field(ge=0, le=YEAR_3000_S)]
MetricName = Annotated[str, Field(pattern="/")]
Status = Annotated[str, Field(pattern=f"^({'|'.join(('finished', 'diverged', *store.FAILURES))})$")]


class _Tags(TypedDict):
    profiles: list[Text]
    studies: dict[Text, list[Text]]


class _Data(TypedDict):
    name: Text
    digest: Text
    note: Text
    train: Whole
    validation: Whole
    test: Whole
    shared_images: Whole


class _Layer(TypedDict, total=False):
    name: Required[Text]
    kind: Required[Text]
    parameters: Required[Whole]
    macs: Required[Whole]
    shape: list[Any]
    output: list[Any]
    gain: Number | None
    activation: Text | None
    normalisation: Text | None
    pooling: Text | None
    dropout: Text | None


class _Network(TypedDict):
    parameters: Positive
    macs: Positive
    layers: list[_Layer]


class _Point(TypedDict):
    step: Whole
    epoch: Whole
    time: Number
    metrics: dict[MetricName, Number]


class _Sample(TypedDict):
    arm: Text
    pair: Whole
    metric: Text
    value: Number


class Record(TypedDict, total=False):
    """What a report, a plan or MLflow reads of a record; see store.py."""

    schema: Required[Literal[1]]
    identity: Required[Text]
    kind: Required[Literal["trial", "count", "timing", "probe"]]
    job: Required[dict[str, Any]]
    status: Required[Status]
    started: Required[Seconds]
    ended: Required[Seconds]
    reason: Required[Text]
    environment: Required[dict[Text, Text | bool | Number | None]]
    tags: _Tags
    data: _Data
    network: _Network
    points: list[_Point]
    samples: list[_Sample]
    fit: bool
    why_unfit: Text


def load_current(file: Path) -> dict[str, Any]:
    """Load a record of this revision; raise InputError unless it is valid and under its own name."""
    record = load_valid(file)
    if (revision := find_revision(file, record)) != REVISION:
        raise InputError(f"{file.name} is of revision {revision}, and this version measures revision {REVISION}")
    return record


def find_revision(file: Path, record: dict[str, Any]) -> int:
    """Return the revision whose identity of the job names the record; raise InputError if there is none."""
    for revision in range(REVISION, 0, -1):
        if identity(build_job(record), revision) == record["identity"] == file.stem:
            return revision
    raise InputError(f"{file.name} is not the record of its own job: changed, or of another version")


def check_names(file: Path, record: dict[str, Any], check_job: Callable[[Job], None]) -> None:
    """Raise InputError, with the file's name, if the record's job names what nothing implements."""
    try:
        check_job(build_job(record))
    except InputError as error:
        raise InputError(f"{file.name} is no record of this version: {error}") from error


def load_valid(file: Path) -> dict[str, Any]:
    """Load a record of any revision; raise InputError if a value is missing, of another type or out of range."""
    record = store.load(file)
    try:
        adapter(Record).validate_python(record, strict=True)
        job = build_job(record)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{file.name} is no record ({describe_error(error)})") from error
    if not _has_fields(record["job"], describe(job)):
        raise InputError(f"{file.name} is no record (its job lacks a field)")
    needed = () if store.is_failure(record) else PARTS[record["kind"]]
    if missing := [part for part in needed if part not in record]:
        raise InputError(f"{file.name} is no record ({missing[0]} is missing)")
    if "points" in needed and not (record["points"] and record["data"]["train"] > 0):
        raise InputError(f"{file.name} is no record (no training image or no point)")
    return record


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
    """Word the first failure on one line: the field, its value and what is expected."""
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"
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
