"""Several of MLflow's runs tell of one job: whether a run is of this measurement, and which of them stays. Needs no
MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.records import store
from bench.tracking import mlflow_format

WEIGHTS = "weights"  # the tag of a run that has them


def same(run: Any, record: dict[str, Any]) -> bool:
    """Whether the run tells of this measurement, and not of one before it: that ran at another time."""
    started, ended = times(record)
    return run.info.start_time == started and (run.info.status == "RUNNING" or run.info.end_time == ended)


def tagged(out: Path, record: dict[str, Any]) -> dict[str, str]:
    """The record's tags, with one where its weights were kept."""
    weights = store.weights(out, record["identity"]).exists()
    return mlflow_format.tags(record) | ({WEIGHTS: "kept"} if weights else {})


def rank(run: Any) -> tuple[bool, bool, bool, bool, int, int, str]:
    """Of several runs of one job the highest stays, alike on every machine: one that is whole, that came to a result,
    of a quiet machine, with its weights, the latest."""
    info = run.info
    whole = info.status in ("FINISHED", "FAILED")  # another machine's doctor may have ended it
    return whole, *_worth(run.data.tags), info.start_time or 0, info.end_time if whole else 0, info.run_id


def outranks(run: Any, record: dict[str, Any], tags: dict[str, str]) -> bool:
    """Whether the run tells of a measurement, another machine's, that stays before the record's."""
    return rank(run)[:-1] > (True, *_worth(tags), *times(record))


def times(record: dict[str, Any]) -> tuple[int, int]:
    """In MLflow's milliseconds: when the record's measurement began and ended."""
    return int(record["started"] * 1e3), int(record["ended"] * 1e3)


def _worth(tags: dict[str, str]) -> tuple[bool, bool, bool]:
    return tags.get("status") not in store.FAILURES, tags.get("fit") != "no", WEIGHTS in tags
