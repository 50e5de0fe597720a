"""Records to MLflow. The only file that imports it; everything it tells can be told again from the records."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # the default blocks minutes a call
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("PGCONNECT_TIMEOUT", "10")  # PostgreSQL's own default is the system's: minutes
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a run, into the display

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as databases

from bench.records import store
from bench.spec.errors import InputError
from bench.system import files
from bench.tracking import mlflow_format
from bench.tracking.duplicates import WEIGHTS, outranks, rank, same, tagged, times

logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # its tracebacks: what it raises is told in one line
logging.getLogger("alembic").setLevel(logging.WARNING)

databases.MAX_RETRY_COUNT = 2  # attempts to connect; ten of them block 105 seconds, and no variable sets it

BATCH = 1000  # metrics a request: MLflow's limit
WAIT = 10.0  # seconds for another run that publishes
TRIES = 5  # of what a server refuses; it does so to one of two machines that write the same name at once
POLL = 0.005  # seconds between looks: a run with much to publish lets go for about a millisecond at a time


def uri(out: Path) -> str:
    """MLFLOW_TRACKING_URI where it is set, else a SQLite file in `out`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{out.resolve() / 'mlflow.db'}"


def shared() -> bool:
    """Whether a server is named, which others may publish to as well."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


def exists(out: Path) -> bool:
    """Whether there is a server to ask, or a database."""
    return shared() or (out / "mlflow.db").exists()


def _prepare(out: Path) -> None:
    """A database with all its tables, renamed into place: MLflow cannot use one whose making was cut off, and SQLite
    would play an earlier one's journal back into it."""
    if exists(out):
        return
    database = out / "mlflow.db"
    temporary = files.temporary(database)
    MlflowClient(f"sqlite:///{temporary.resolve()}").search_experiments()
    for journal in out.glob("mlflow.db-*"):
        journal.unlink()
    temporary.replace(database)


class Publisher:
    """Knows which records the server has. Made in the parent process; where the server is away it raises whatever
    MLflow, its driver or its store of artifacts do.

    One experiment a data set, and one for all that is not a trial. Several runs into one `out` publish one at a time;
    machines that share a server do it at once, and of the runs that they make of one job one stays.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.turn = partial(FileLock(out / "mlflow.lock", timeout=WAIT).acquire, poll_interval=POLL)
        with self.turn():
            _prepare(out)
            self.client = MlflowClient(uri(out))
            self.experiments = _experiments(self.client)
            found = sorted(runs(self.client, self.experiments), key=rank)
            self.known = {run.data.tags.get("identity"): run for run in found}

    def publish(self, record: dict[str, Any]) -> None:
        """Once, with the record's own timestamps; later calls only set tags that differ. A run that an earlier attempt
        left unfinished is completed: the same points at the same times add nothing. A job that was measured again
        gets a run anew, unless another machine has published a better one."""
        self._insist(partial(self._publish, record))

    def _insist(self, action: Callable[[], None]) -> None:
        """In its turn, and again where the server refuses."""
        with self.turn():
            for left in reversed(range(TRIES)):
                try:
                    return action()
                except MlflowException as error:
                    if not left or not refused(error):
                        raise
                    self.known.clear()  # another machine may have deleted any

    def _publish(self, record: dict[str, Any]) -> None:
        known = self.known.get(record["identity"])
        if known is None or not same(known, record):
            known = self._one(record["identity"])
        tags = tagged(self.out, record)
        if known is None or not (same(known, record) or outranks(known, record, tags)):
            return self._create(record, tags)
        lacks_weights = WEIGHTS in tags and WEIGHTS not in known.data.tags
        if same(known, record) and (known.info.status == "RUNNING" or lacks_weights):
            self._fill(known.info.run_id, record)
        # the job may be used by more studies since
        self._retag(known, tags if same(known, record) else mlflow_format.studies(record))

    def _create(self, record: dict[str, Any], tags: dict[str, str]) -> None:
        experiment, (started, _) = self._experiment(record.get("data")), times(record)
        run = self.client.create_run(experiment, started, tags, mlflow_format.run_name(record))
        try:
            self._fill(run.info.run_id, record)
        except MlflowException as error:
            if refused(error):  # the next try makes another
                self.client.delete_run(run.info.run_id)
            raise

    def _fill(self, run_id: str, record: dict[str, Any]) -> None:
        points = [Metric(*point) for point in mlflow_format.metrics(record)]
        for start in range(0, len(points), BATCH):
            self.client.log_batch(run_id, metrics=points[start : start + BATCH])
        self.client.log_batch(run_id, params=[Param(k, v) for k, v in mlflow_format.params(record).items()])
        if "data" in record:
            self.client.log_inputs(run_id, [_dataset(record["data"])])
        for file in (store.path(self.out, record["identity"]), store.weights(self.out, record["identity"])):
            if file.exists():
                self.client.log_artifact(run_id, str(file))
        _, ended = times(record)
        self.client.set_terminated(run_id, "FAILED" if store.failed(record) else "FINISHED", ended)
        self.known[record["identity"]] = self._one(record["identity"])

    def _one(self, identity: str) -> Any:
        """The run to go by. Once it has ended, those are deleted that cannot come to outrank it: whichever of several
        machines ends last sees them all."""
        self.experiments = _experiments(self.client)
        report = identity.startswith("report ")  # whose name may hold quotes
        wanted = "tags.identity LIKE 'report %'" if report else f"tags.identity = '{identity}'"
        there = [run for run in runs(self.client, self.experiments, wanted) if run.data.tags["identity"] == identity]
        *others, best = sorted(there, key=rank) or [None]
        for other in others:
            if rank(best)[0] and rank(other)[1:] < rank(best)[1:]:
                used = {name: text for name, text in other.data.tags.items() if name.startswith("study.")}
                self._retag(best, used | best.data.tags)
                self.client.delete_run(other.info.run_id)
        return best

    def publish_report(self, name: str, files: Iterable[Path]) -> None:
        """The report's files as artifacts of one run, to be read inside MLflow; the next report replaces them."""
        self._insist(partial(self._publish_report, f"report {name}", list(files)))

    def _publish_report(self, identity: str, files: list[Path]) -> None:
        run = self._one(identity) or self.client.create_run(
            self._experiment(None), tags={"identity": identity}, run_name=identity[: mlflow_format.LONGEST]
        )
        for file in files:
            self.client.log_artifact(run.info.run_id, str(file))
        self.client.set_terminated(run.info.run_id)
        self._one(identity)

    def _experiment(self, data: dict[str, Any] | None) -> str:
        name = mlflow_format.experiment(data)
        if name not in self.experiments:
            local = None if shared() else (self.out.resolve() / "artifacts").as_uri()
            self.experiments[name] = self.client.create_experiment(name, artifact_location=local)
        return self.experiments[name]

    def _retag(self, run: Any, wanted: dict[str, str]) -> None:
        new = [RunTag(k, v) for k, v in wanted.items() if run.data.tags.get(k) != v]
        if new:
            self.client.log_batch(run.info.run_id, tags=new)
            self.known[run.data.tags["identity"]] = self.client.get_run(run.info.run_id)


def fetch(address: str, folder: Path, wanted: Callable[[str], object]) -> list[Path]:
    """The artifacts of an MLflow server whose names are wanted, as files in the folder."""
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        raise InputError(f"there is no {address.removeprefix('sqlite:///')}")  # MLflow would make one
    found = []
    try:
        client = MlflowClient(address)
        for run in runs(client, _experiments(client)):
            for file in client.list_artifacts(run.info.run_id):
                if wanted(file.path) and not (folder / file.path).exists():
                    found.append(Path(client.download_artifacts(run.info.run_id, file.path, str(folder))))
    except Exception as error:  # a driver's own may be any
        raise InputError(f"{address} cannot be read by MLflow: {mlflow_format.brief(error)}") from error
    return found


def _experiments(client: MlflowClient) -> dict[str, str]:
    return {e.name: e.experiment_id for e in client.search_experiments()}


def runs(client: MlflowClient, experiments: dict[str, str], filter_string: str = "") -> Iterator[Any]:
    """Those of this harness's experiments."""
    ours, token = [number for name, number in experiments.items() if name.startswith(mlflow_format.PREFIX)], None
    while ours:
        page = client.search_runs(ours, filter_string, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _dataset(data: dict[str, Any]) -> DatasetInput:
    return DatasetInput(
        Dataset(
            data["name"][: mlflow_format.LONGEST],
            data["digest"],
            "local",
            "{}",
            profile=f'{{"train": {data["train"]}}}',
        )
    )


def refused(error: Exception) -> bool:
    """Whether the server answered, and said no: a fault of what was sent, not of the connection."""
    return isinstance(error, MlflowException) and error.get_http_status_code() == 400
