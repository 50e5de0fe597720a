"""Differences between MLflow's runs and the records, and their repair."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.records import cleanup
from bench.tracking import mlflow_client, mlflow_database
from bench.tracking.address import configured_address, hide_secrets
from bench.tracking.publisher import Publisher, is_same_measurement, outranks, rank, run_tags

Difference = tuple[str, str, Callable[[], object] | None]  # state, text, repair


def find_differences(out: Path, records: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the differences between MLflow and the usable records, given by identity, without changing anything."""

    @cache
    def publisher() -> Publisher:
        """Connect on demand: this makes a missing database and updates a moved one."""
        return Publisher(out)

    runs_by_identity: dict[str, list[Any]] = {}
    if mlflow_client.has_store(out):
        client = mlflow_client.connect(mlflow_client.tracking_uri(out))
        if folder := mlflow_database.find_moved_folder(client.tracking_uri):
            text = f"MLflow: this folder was moved or copied: its files are still expected in {folder}"
            yield "stale", text, publisher
        runs_by_identity = _runs_by_identity(client)
    for identity, runs in runs_by_identity.items():
        if identity in records or not configured_address():  # otherwise it may belong to another machine
            yield from _examine_runs(client, out, runs, identity in records)
    for identity, record in records.items():
        run = runs_by_identity.get(identity, [None])[-1]
        if difference := _compare(out, run, record):
            yield (*difference, partial(_publish, publisher, record))


def _runs_by_identity(client: Any) -> dict[str, list[Any]]:
    """Return the runs of each job; the last of them is kept."""
    runs_by_identity: dict[str, list[Any]] = {}
    for run in sorted(mlflow_client.find_runs(client, mlflow_client.experiment_ids(client)), key=rank):
        if run.data.tags.get("kind") and run.data.tags.get("identity"):
            runs_by_identity.setdefault(run.data.tags["identity"], []).append(run)
    return runs_by_identity


def _examine_runs(client: Any, out: Path, runs: list[Any], has_record: bool) -> Iterator[Difference]:
    """Yield the runs of a job that are duplicates or have no record."""
    best, identity = runs[-1], runs[-1].data.tags["identity"]
    for run in runs[:-1] if has_record else ():
        yield "stale", f"MLflow: {identity} has several runs", partial(client.delete_run, run.info.run_id)
    if not has_record and best.info.status == "RUNNING":
        text = f"MLflow: {identity} is 'running' without a record"
        yield "orphaned", text, partial(client.set_terminated, best.info.run_id, "KILLED")
    elif not has_record:
        command = f"ablate import {shlex.quote(hide_secrets(client.tracking_uri))} --out {shlex.quote(str(out))}"
        is_explained = (out / cleanup.BROKEN / f"{identity}.json").exists()  # its damaged record was moved aside
        state = "pending" if is_explained else "orphaned"
        yield state, f"MLflow: {identity} has no record here (fetch it: {command})", None


def _compare(out: Path, run: Any, record: dict[str, Any]) -> tuple[str, str] | None:
    """Return state and text of the difference between a record and its run; None if they agree."""
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
