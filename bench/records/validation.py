"""Records that may come from anywhere: whether they are what they say, and hold what their readers look for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import REVISION
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Job, Probe, Timing, Trial, describe, identity

KINDS: dict[str, type[Any]] = {"trial": Trial, "count": Count, "timing": Timing, "probe": Probe}
NEEDED = {"trial": ("data", "points"), "count": ("network",), "timing": ("samples", "fit"), "probe": ("samples",)}
NUMBER = int | float
LARGEST = 1e100  # of a number that can be squared and summed
LATEST = 32_503_680_000  # the year 3000, in seconds


def checked(file: Path) -> dict[str, Any]:
    """The record in a file; raises InputError where it is not one of this version's, whole and under its own name."""
    record = legible(file)
    if (found := revision(file, record)) != REVISION:
        raise InputError(f"{file.name} is of revision {found}, and this version measures revision {REVISION}")
    return record


def revision(file: Path, record: dict[str, Any]) -> int:
    """The revision whose name for its job the record has; raises InputError where none has it."""
    for number in range(REVISION, 0, -1):
        if identity(job_of(record), number) == record["identity"] == file.stem:
            return number
    raise InputError(f"{file.name} is not the record of its own job: changed, or of another version")


def legible(file: Path) -> dict[str, Any]:
    """The record in a file, an earlier revision's too; raises InputError where something that a report, a plan or
    MLflow reads is missing, of another type or not finite."""
    record = store.load(file)
    with _named(file):
        if record["schema"] != store.SCHEMA:
            raise InputError(f"{file.name} has schema {record['schema']}, and this version reads {store.SCHEMA}")
        if record["status"] not in ("finished", "diverged", *store.FAILURES):
            raise InputError(f"{file.name} has the status {record['status']!r}, which is none")
        _common(record)
        _measured(record)
    return record


@contextmanager
def _named(file: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{file.name} is no record ({type(error).__name__}: {error})") from error


def job_of(record: dict[str, Any]) -> Job:
    """The job that a record's fields say."""
    return _job(KINDS[record["kind"]], record["job"])


def _job(kind: type[Any], fields: dict[str, Any]) -> Any:
    parts = {"model": ModelConfig, "recipe": TrainConfig, "data": DataConfig}
    known = {name: _job(parts[name], value) if name in parts else value for name, value in fields.items()}
    if kind is Timing:
        known["arms"] = tuple((arm, _job(ModelConfig, model)) for arm, model in known["arms"])
    if kind is Probe:
        known["trials"] = tuple(_job(Trial, trial) for trial in known["trials"])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})


def _common(record: dict[str, Any]) -> None:
    """What a record of every kind and status has."""
    typed(record, {"identity": str, "started": NUMBER, "ended": NUMBER, "reason": str, "environment": dict})
    if not all(0 <= record[name] <= LATEST for name in ("started", "ended")):
        raise ValueError(f"it ran from {record['started']} to {record['ended']}")
    if odd := [name for name, value in record["environment"].items() if isinstance(value, list | dict)]:
        raise TypeError(f"environment's {odd[0]} is {record['environment'][odd[0]]!r}")
    _written(*record["environment"], *record["environment"].values())
    _same(record["job"], describe(job_of(record)))
    tags = record.get("tags", {"profiles": [], "studies": {}})
    for names in (list(tags["studies"]), tags["profiles"], *tags["studies"].values()):
        texts(names)


def _measured(record: dict[str, Any]) -> None:
    """What was measured, and that a job that came to something has all of it."""
    typed({"fit": True, "why_unfit": "", **record}, {"fit": bool, "why_unfit": str})
    if "network" in record:
        _network(record["network"])
    if "data" in record:
        typed(record["data"], {"name": str, "digest": str, "note": str})
        typed(record["data"], dict.fromkeys(("train", "validation", "test", "shared_images"), int))
    for point in record.get("points", ()):
        typed(point, {"step": int, "epoch": int, "time": NUMBER, "metrics": dict})
        typed(point["metrics"], dict.fromkeys(point["metrics"], NUMBER))
        if odd := [name for name in point["metrics"] if "/" not in name]:
            raise ValueError(f"no metric is called {odd[0]!r}")
    for sample in record.get("samples", ()):
        typed(sample, {"arm": str, "pair": int, "metric": str, "value": NUMBER})
    if store.failed(record):
        return
    if lost := [part for part in NEEDED[record["kind"]] if part not in record]:
        raise KeyError(lost[0])
    if record["kind"] == "trial" and not (record["points"] and record["data"]["train"] > 0):
        raise ValueError("it was trained on nothing")


def _network(network: dict[str, Any]) -> None:
    typed(network, {"parameters": int, "macs": int, "layers": list})
    for layer in network["layers"]:
        typed(layer, {"name": str, "kind": str, "parameters": int, "macs": int})
        words = dict.fromkeys(("activation", "normalisation", "pooling", "dropout"), str | None)
        types = {"shape": list, "output": list, "gain": NUMBER | None, **words}
        typed(layer, {name: wanted for name, wanted in types.items() if name in layer})
    if network["parameters"] < 1 or network["macs"] < 1:
        raise ValueError("its network is empty")


def _same(kept: Any, wanted: Any) -> None:
    """Raises where a field that makes up the job's identity is missing."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            _same(kept[name], value)
    elif isinstance(wanted, list):
        for inner, value in zip(kept, wanted, strict=True):
            _same(inner, value)


def typed(values: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    """Raises where one of the values is missing, of another type, or a number that is not finite."""
    for name, wanted in types.items():
        value = values[name]
        _written(name, value)
        whole = not isinstance(value, bool) or wanted is bool
        finite = not isinstance(value, int | float) or abs(value) < LARGEST
        if not (isinstance(value, wanted) and whole and finite):
            raise TypeError(f"{name} is {value!r}")


def texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{values!r} is no list of names")
    _written(*values)
    return tuple(values)


def _written(*values: Any) -> None:
    """Raises where a text holds half a character, which JSON can and a report cannot."""
    for value in values:
        if isinstance(value, str):
            value.encode()
