"""Several MLflow runs of one job: whether a run shows a given measurement, and which run is kept. Needs no MLflow."""

from pathlib import Path
from typing import Any

from bench.records import store
from bench.tracking import mlflow_format

WEIGHTS = "weights"  # tag of a run that has the weights


def is_same_measurement(run: Any, record: dict[str, Any]) -> bool:
    """Whether the run shows the record's measurement and not one at another time."""
    started_ms, ended_ms = times_ms(record)
    return run.info.start_time == started_ms and (run.info.status == "RUNNING" or run.info.end_time == ended_ms)


def run_tags(out: Path, record: dict[str, Any]) -> dict[str, str]:
    """The record's tags, and one more if its weights were kept."""
    has_weights = store.weights_file(out, record["identity"]).exists()
    return mlflow_format.tags(record) | ({WEIGHTS: "kept"} if has_weights else {})


def rank(run: Any) -> tuple[bool, bool, bool, bool, int, int, str]:
    """Sort key of a job's runs, equal on every machine: the highest is kept.

    In this order: complete, not a failure, measured on a quiet machine, with weights, latest.
    """
    info = run.info
    complete = info.status in ("FINISHED", "FAILED")  # 'KILLED' by another machine's doctor is incomplete
    return complete, *_quality(run.data.tags), info.start_time or 0, info.end_time if complete else 0, info.run_id


def outranks(run: Any, record: dict[str, Any], tags: dict[str, str]) -> bool:
    """Whether the run, another machine's, is kept in preference to one of this record with these tags."""
    return rank(run)[:-1] > (True, *_quality(tags), *times_ms(record))


def times_ms(record: dict[str, Any]) -> tuple[int, int]:
    """Start and end of the record's measurement in milliseconds of Unix time, as MLflow stores them."""
    return int(record["started"] * 1e3), int(record["ended"] * 1e3)


def _quality(tags: dict[str, str]) -> tuple[bool, bool, bool]:
    return tags.get("status") not in store.FAILURES, tags.get("fit") != "no", WEIGHTS in tags
