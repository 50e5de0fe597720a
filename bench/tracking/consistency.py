"""Where MLflow is not as the records are, and how that is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.tracking import mlflow_client
from bench.tracking.duplicates import outranks, rank, same, tagged

Difference = tuple[str, str, Callable[[], object] | None]  # state, what, what mends it


def examine(out: Path, whole: Mapping[str, Any]) -> Iterator[Difference]:
    """whole: the records that can be used, by identity."""

    @cache
    def publisher() -> mlflow_client.Publisher:
        """Made late: where there is no database it makes one, which is for mending alone."""
        return mlflow_client.Publisher(out)

    published = _by_identity(publisher()) if mlflow_client.exists(out) else {}
    for identity, found in published.items():
        if identity in whole or not mlflow_client.shared():  # else it is another machine's
            yield from _run(publisher(), identity, found, whole.get(identity))
    for identity, record in whole.items():
        found = published.get(identity, [])
        if state := _state(out, found[-1] if found else None, record):
            yield (*state, partial(_publish, publisher, record))


def _by_identity(publisher: mlflow_client.Publisher) -> dict[str, list[Any]]:
    published: dict[str, list[Any]] = {}
    for run in sorted(mlflow_client.runs(publisher.client, publisher.experiments), key=rank):
        if run.data.tags.get("kind") and run.data.tags.get("identity"):
            published.setdefault(run.data.tags["identity"], []).append(run)
    return published


def _run(publisher: mlflow_client.Publisher, identity: str, found: list[Any], record: Any) -> Iterator[Difference]:
    """Runs that are too many, or have no record."""
    for run in found[:-1] if record else ():  # the publisher goes by the last
        yield "stale", f"MLflow: {identity} is there twice", partial(publisher.client.delete_run, run.info.run_id)
    if record is None and found[-1].info.status == "RUNNING":
        end = partial(publisher.client.set_terminated, found[-1].info.run_id, "KILLED")
        yield "orphaned", f"MLflow: {identity} is 'running' without a record", end
    elif record is None:
        where = f"ablate import {mlflow_client.uri(publisher.out)} --out {publisher.out} fetches it"
        yield "orphaned", f"MLflow: {identity} has no record here ({where})", None


def _state(out: Path, run: Any, record: dict[str, Any]) -> tuple[str, str] | None:
    """What is to be said of a record's run."""
    identity = record["identity"]
    if run is None:
        return "pending", f"MLflow: {identity} is not published"
    if outranks(run, record, tagged(out, record)):
        return None
    if not same(run, record):
        return "stale", f"MLflow: {identity} was measured again since it was published"
    if run.info.status == "RUNNING":
        return "stale", f"MLflow: {identity} is half published"
    return None


def _publish(publisher: Callable[[], mlflow_client.Publisher], record: dict[str, Any]) -> None:
    publisher().publish(record)
