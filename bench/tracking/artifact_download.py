"""Download of the artifacts of an MLflow server or database, for the import of records."""

from collections.abc import Callable
from pathlib import Path

from bench.tracking import mlflow_client, mlflow_database, mlflow_format


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
    downloaded_files = []
    try:
        client = mlflow_client.connect(mlflow_database.absolute_address(address))
        for run in mlflow_client.find_runs(client, mlflow_client.experiment_ids(client)):
            artifacts = mlflow_database.artifact_store(run, client.tracking_uri)
            for name in (artifact.path for artifact in artifacts.list_artifacts()):
                if is_wanted(name) and not (folder / name).exists():
                    downloaded_files.append(Path(artifacts.download_artifacts(name, str(folder))))
    except Exception as error:  # database drivers raise classes of their own
        raise mlflow_format.to_input_error(address, error) from error
    return downloaded_files
