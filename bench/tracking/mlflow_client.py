"""Connection to MLflow: the only module that imports it."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # the default blocks for minutes per call
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("PGCONNECT_TIMEOUT", "10")  # PostgreSQL's default is the system's: minutes
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines per run would break the display

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as databases

from bench.records import store
from bench.spec.errors import InputError
from bench.system import files
from bench.tracking import mlflow_format

logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # its tracebacks repeat what it raises
logging.getLogger("alembic").setLevel(logging.WARNING)

databases.MAX_RETRY_COUNT = 2  # attempts to connect; the default, 10, blocks 105 seconds, and no variable sets it

METRICS_PER_REQUEST = 1000  # MLflow's limit


def tracking_uri(out: Path) -> str:
    """MLFLOW_TRACKING_URI if it is set, else the SQLite file in `out`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{out.resolve() / 'mlflow.db'}"


def uses_server() -> bool:
    """Whether MLFLOW_TRACKING_URI names a server, to which other machines may publish as well."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


def has_store(out: Path) -> bool:
    """Whether a server is named or `out` has a database."""
    return uses_server() or (out / "mlflow.db").exists()


def connect(out: Path) -> MlflowClient:
    """Return a client of the server, or of the database in `out`, which is made if missing."""
    if not has_store(out):
        _create_database(out)
    return MlflowClient(tracking_uri(out))


def _create_database(out: Path) -> None:
    """Make a database with all its tables and rename it into place.

    MLflow cannot use a partly made one, and SQLite would replay the journal of an earlier one into it.
    """
    database = out / "mlflow.db"
    temporary = files.temporary_path(database)
    MlflowClient(f"sqlite:///{temporary.resolve()}").search_experiments()
    for journal in out.glob("mlflow.db-*"):
        journal.unlink()
    temporary.replace(database)


def experiment_ids(client: MlflowClient) -> dict[str, str]:
    """Ids of all experiments by name."""
    return {experiment.name: experiment.experiment_id for experiment in client.search_experiments()}


def find_runs(client: MlflowClient, ids: Mapping[str, str], filter_string: str = "") -> Iterator[Any]:
    """Yield the runs in this harness's experiments.

    Args:
        client: The connection.
        ids: Experiment ids by name; experiments of other projects are skipped.
        filter_string: Condition in MLflow's search syntax.
    """
    own_ids = [number for name, number in ids.items() if name.startswith(mlflow_format.PREFIX)]
    token = None
    while own_ids:
        page = client.search_runs(own_ids, filter_string, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def log_record(client: MlflowClient, run_id: str, out: Path, record: dict[str, Any]) -> None:
    """Write a record's metrics, params, data set and files to a run; repeating it adds nothing."""
    points = [Metric(*point) for point in mlflow_format.metrics(record)]
    for start in range(0, len(points), METRICS_PER_REQUEST):
        client.log_batch(run_id, metrics=points[start : start + METRICS_PER_REQUEST])
    client.log_batch(run_id, params=[Param(name, value) for name, value in mlflow_format.params(record).items()])
    if data := record.get("data"):
        profile = f'{{"train": {data["train"]}}}'
        name = data["name"][: mlflow_format.MAX_NAME_LENGTH]
        client.log_inputs(run_id, [DatasetInput(Dataset(name, data["digest"], "local", "{}", profile=profile))])
    for file in (store.path(out, record["identity"]), store.weights_file(out, record["identity"])):
        if file.exists():
            client.log_artifact(run_id, str(file))


def set_tags(client: MlflowClient, run: Any, tags: Mapping[str, str]) -> bool:
    """Set the tags that differ from the run's; return whether any did."""
    changed_tags = [RunTag(name, value) for name, value in tags.items() if run.data.tags.get(name) != value]
    if changed_tags:
        client.log_batch(run.info.run_id, tags=changed_tags)
    return bool(changed_tags)


def download_artifacts(address: str, folder: Path, is_wanted: Callable[[str], object]) -> list[Path]:
    """Download the artifacts of all runs of an MLflow server.

    Args:
        address: Tracking URI of the server or database.
        folder: Destination.
        is_wanted: Whether to download the artifact of this name.

    Returns:
        The downloaded files.

    Raises:
        InputError: The server or database cannot be read.
    """
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        raise InputError(f"there is no {address.removeprefix('sqlite:///')}")  # MLflow would create one
    downloaded_files = []
    try:
        client = MlflowClient(address)
        for run in find_runs(client, experiment_ids(client)):
            for file in client.list_artifacts(run.info.run_id):
                if is_wanted(file.path) and not (folder / file.path).exists():
                    downloaded_files.append(Path(client.download_artifacts(run.info.run_id, file.path, str(folder))))
    except Exception as error:  # database drivers raise classes of their own
        raise InputError(f"{address} cannot be read by MLflow: {mlflow_format.summarize_error(error)}") from error
    return downloaded_files


def is_refusal(error: Exception) -> bool:
    """Whether the server answered that the request is invalid: the connection works."""
    return isinstance(error, MlflowException) and error.get_http_status_code() == 400
