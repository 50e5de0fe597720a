"""Differences between MLflow's runs and the records, and their repair."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.tracking import mlflow_client
from bench.tracking.publisher import Publisher, is_same_measurement, outranks, rank, run_tags

Difference = tuple[str, str, Callable[[], object] | None]  # state, text, repair


def find_differences(out: Path, records: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs between MLflow and the usable records, given by identity."""

    @cache
    def publisher() -> Publisher:
        """Connect on demand: connecting makes a missing database, which only a repair may do."""
        return Publisher(out)

    runs_by_identity = _runs_by_identity(publisher()) if mlflow_client.has_store(out) else {}
    for identity, runs in runs_by_identity.items():
        if identity in records or not mlflow_client.uses_server():  # otherwise it may belong to another machine
            yield from _examine_runs(publisher(), identity, runs, identity in records)
    for identity, record in records.items():
        run = runs_by_identity.get(identity, [None])[-1]
        if difference := _compare(out, run, record):
            yield (*difference, partial(_publish, publisher, record))


def _runs_by_identity(publisher: Publisher) -> dict[str, list[Any]]:
    """Every job's runs, the one that is kept last."""
    runs_by_identity: dict[str, list[Any]] = {}
    for run in sorted(mlflow_client.find_runs(publisher.client, publisher.experiment_ids), key=rank):
        if run.data.tags.get("kind") and run.data.tags.get("identity"):
            runs_by_identity.setdefault(run.data.tags["identity"], []).append(run)
    return runs_by_identity


def _examine_runs(publisher: Publisher, identity: str, runs: list[Any], has_record: bool) -> Iterator[Difference]:
    """Yield the runs of a job that are duplicates or have no record."""
    client, best = publisher.client, runs[-1]
    for run in runs[:-1] if has_record else ():
        yield "stale", f"MLflow: {identity} has several runs", partial(client.delete_run, run.info.run_id)
    if not has_record and best.info.status == "RUNNING":
        text = f"MLflow: {identity} is 'running' without a record"
        yield "orphaned", text, partial(client.set_terminated, best.info.run_id, "KILLED")
    elif not has_record:
        command = f"ablate import {mlflow_client.tracking_uri(publisher.out)} --out {publisher.out}"
        yield "orphaned", f"MLflow: {identity} has no record here (fetch it: {command})", None


def _compare(out: Path, run: Any, record: dict[str, Any]) -> tuple[str, str] | None:
    """State and text of the difference between a record and its run, if any."""
    identity = record["identity"]
    if run is None:
        return "pending", f"MLflow: {identity} is not published"
    if outranks(run, record, run_tags(out, record)):
        return None
    if not is_same_measurement(run, record):
        return "stale", f"MLflow: {identity} was measured again since it was published"
    if run.info.status == "RUNNING":
        return "stale", f"MLflow: {identity} is half published"
    return None


def _publish(publisher: Callable[[], Publisher], record: dict[str, Any]) -> None:
    publisher().publish(record)
