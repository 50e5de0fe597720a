"""Connection to MLflow. Only this module and `mlflow_database` import it."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.tracking.address import CLIENT_ENVIRONMENT, configured_address, hide_secrets

if os.path.expanduser("~") == "~":
    os.environ["HOME"] = "/nonexistent"  # importing MLflow fails for a user without a home folder
os.environ.update({**CLIENT_ENVIRONMENT, **os.environ})

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from bench.records import store
from bench.spec.errors import InputError
from bench.system import files
from bench.tracking import mlflow_database, mlflow_format

logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # its tracebacks repeat what it raises
logging.getLogger("alembic").setLevel(logging.WARNING)

METRICS_PER_REQUEST = 1000  # MLflow's limit


def tracking_uri(out: Path) -> str:
    """MLFLOW_TRACKING_URI if it is set, else the SQLite file in `out`."""
    address = configured_address()
    return mlflow_database.absolute_address(address) if address else mlflow_database.database_uri(out / "mlflow.db")


def has_store(out: Path) -> bool:
    """Whether a server is named, or a database that MLflow has used."""
    return mlflow_database.has_tables(tracking_uri(out))


def connect(address: str) -> MlflowClient:
    """Return a client of a server or database, which is not changed.

    Raises:
        InputError: It is a database without tables of MLflow, or with those of another version.
    """
    file = mlflow_database.database_file(address)
    if file is not None and not file.exists():
        raise InputError(f"{file} not found")
    if not mlflow_database.has_tables(address):  # MLflow would make them
        raise InputError(f"{hide_secrets(address)} is not a database of MLflow")
    return MlflowClient(address)


def open_store(out: Path) -> MlflowClient:
    """Return a client for writing to the server, or to the database in `out`, which is made if missing."""
    database, address = out / "mlflow.db", tracking_uri(out)
    if not configured_address() and not (database.exists() and database.stat().st_size):
        _create_database(database)
    mlflow_database.check_writable(address)
    try:
        mlflow_database.has_tables(address)  # refuses those of another version
        client = MlflowClient(address)
        client.search_experiments(max_results=1)  # makes the tables of an empty database
    except Exception as error:
        mlflow_database.check_address(address, error)
        raise
    mlflow_database.follow_moved_folder(address)
    return client


def _create_database(database: Path) -> None:
    """Make a database with all its tables and rename it into place.

    MLflow cannot use a partly made one, and SQLite would replay the journal of an earlier one into it.
    """
    temporary = files.temporary_path(database)
    temporary.touch()  # SQLite would keep the group from writing it, whatever the umask; journals get the same mode
    MlflowClient(mlflow_database.database_uri(temporary)).search_experiments()
    for journal in database.parent.glob(f"{database.name}-*"):
        journal.unlink()
    temporary.replace(database)


def experiment_ids(client: MlflowClient, view_type: int = ViewType.ACTIVE_ONLY) -> dict[str, str]:
    """Ids of all experiments by name; a renamed experiment of this harness counts under its original name."""
    return {
        experiment.tags.get(mlflow_format.EXPERIMENT_TAG, experiment.name): experiment.experiment_id
        for experiment in client.search_experiments(view_type)
    }


def make_experiment(client: MlflowClient, name: str, out: Path) -> str:
    """Return the id of a new experiment; a deleted one of this name is restored with its runs instead.

    Args:
        client: The connection.
        name: Name of the experiment.
        out: Folder for the artifacts of a database that has none for them.
    """
    deleted_id = experiment_ids(client, ViewType.DELETED_ONLY).get(name)
    if deleted_id is not None:
        client.restore_experiment(deleted_id)
        return deleted_id
    folder = mlflow_database.artifact_folder(client.tracking_uri, out)
    return client.create_experiment(name, folder, {mlflow_format.EXPERIMENT_TAG: name})


def find_runs(client: MlflowClient, ids: Mapping[str, str], filter_string: str = "") -> Iterator[Any]:
    """Yield the runs of records and reports.

    Args:
        client: The connection.
        ids: Experiment ids by name; experiments of arms and of other projects are skipped.
        filter_string: Condition in MLflow's search syntax.
    """
    record_ids = [number for name, number in ids.items() if name.startswith(mlflow_format.RECORDS)]
    if record_ids:
        yield from search_runs(client, record_ids, filter_string)


def search_runs(client: MlflowClient, experiment_ids: list[str], filter_string: str = "") -> Iterator[Any]:
    """Yield the runs in some experiments that fulfil a condition in MLflow's search syntax, page by page."""
    token = None
    while True:
        page = client.search_runs(experiment_ids, filter_string, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def log_record(client: MlflowClient, run: Any, out: Path, record: dict[str, Any]) -> None:
    """Write a record's metrics, params, data set and files to a run; repeating it adds nothing."""
    run_id = run.info.run_id
    log_values(client, run, mlflow_format.metrics(record), mlflow_format.params(record))
    if data := record.get("data"):
        profile = f'{{"train": {data["train"]}}}'
        name = data["name"][: mlflow_format.MAX_NAME_LENGTH]
        client.log_inputs(run_id, [DatasetInput(Dataset(name, data["digest"], "local", "{}", profile=profile))])
    log_files(client, run, out, (store.path(out, record["identity"]), store.weights_file(out, record["identity"])))


def log_values(
    client: MlflowClient, run: Any, points: Iterable[tuple[str, float, int, int]], params: Mapping[str, str]
) -> None:
    """Write points and params to a run; repeating it adds nothing.

    Args:
        client: The connection.
        run: The run, whose params stay as they are: MLflow refuses to change one.
        points: Name, value, Unix time in milliseconds and step of each point.
        params: Params by name.
    """
    run_id, metrics = run.info.run_id, [Metric(*point) for point in points]
    new_params = [Param(name, value) for name, value in params.items() if name not in run.data.params]
    for start in range(0, max(1, len(metrics)), METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics[start : start + METRICS_PER_REQUEST], () if start else new_params)


def log_files(client: MlflowClient, run: Any, out: Path, artifact_files: Iterable[Path]) -> None:
    """Store the regular files of an output folder as a run's artifacts.

    Args:
        client: The connection.
        run: The run.
        out: Folder for the artifacts of a database that has none for them.
        artifact_files: The files; those that do not exist are passed over.
    """
    artifacts = mlflow_database.artifact_store(run, client.tracking_uri, out)
    for file in artifact_files:
        if file.is_file():  # to read a pipe might take for ever
            artifacts.log_artifact(str(file))


def set_tags(client: MlflowClient, run: Any, tags: Mapping[str, str]) -> bool:
    """Set the tags that differ from the run's; return whether any did."""
    changed_tags = [RunTag(name, value) for name, value in tags.items() if run.data.tags.get(name) != value]
    if changed_tags:
        client.log_batch(run.info.run_id, tags=changed_tags)
    return bool(changed_tags)


def is_refusal(error: Exception) -> bool:
    """Whether the server answered that the request is invalid: the connection works."""
    return isinstance(error, MlflowException) and error.get_http_status_code() == 400
