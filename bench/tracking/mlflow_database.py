"""Databases of MLflow: their addresses, the version of their tables, and the folder beside one that holds artifacts.

MLflow stores the absolute path of every artifact folder. A SQLite database and its artifacts can be moved or copied, so
files are read and written beside the database, whatever path it has stored; the stored paths follow.
"""

import os
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import InvalidUrlException, MlflowException, RestException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.db import db_types
from mlflow.store.db import utils as databases
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from mlflow.utils.uri import get_uri_scheme, is_local_uri
from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from bench.spec.errors import InputError
from bench.tracking.address import AddressError, configured_address, hide_secrets
from bench.tracking.mlflow_format import EXPERIMENT_TAG, PREFIX, summarize_error

databases.MAX_RETRY_COUNT = 2  # attempts to connect; the default, 10, blocks 105 seconds, and no variable sets it

OWN = """experiment_id IN (
    SELECT experiment_id FROM experiments WHERE name LIKE :prefix || '%'
    UNION SELECT experiment_id FROM experiment_tags WHERE key = :tag)"""
EXPERIMENT_MOVED = f"artifact_location LIKE 'file:%/artifacts' AND artifact_location != :folder AND {OWN}"
RUN_MOVED = f"""artifact_uri LIKE 'file:%/artifacts/' || run_uuid || '/artifacts'
    AND artifact_uri != :folder || '/' || run_uuid || '/artifacts' AND {OWN}"""
FIND_MOVED = f"""SELECT artifact_location FROM experiments WHERE {EXPERIMENT_MOVED}
    UNION ALL SELECT artifact_uri FROM runs WHERE {RUN_MOVED} LIMIT 1"""
FOLLOW_MOVED = (
    f"UPDATE experiments SET artifact_location = :folder WHERE {EXPERIMENT_MOVED}",
    f"UPDATE runs SET artifact_uri = :folder || '/' || run_uuid || '/artifacts' WHERE {RUN_MOVED}",
)


def database_uri(file: Path) -> str:
    """Return the address of a SQLite database, whatever characters its path has.

    An address with quoted characters names the driver: MLflow would create the folder that an address beginning with
    'sqlite:///' seems to name.
    """
    path = str(file.parent.resolve() / file.name)
    plain = f"sqlite:///{path}"
    if make_url(plain).database == path:
        return plain
    return URL.create("sqlite+pysqlite", database=path).render_as_string(hide_password=False)


def database_file(address: str) -> Path | None:
    """Return the file that the address of a SQLite database names, as written or decoded; None for other addresses."""
    scheme, _, name = address.partition(":///")
    if scheme.partition("+")[0] != "sqlite":
        return None
    file = Path(name if Path(name).is_file() else make_url(address).database or "")
    return file.parent.resolve() / file.name


def is_database(address: str) -> bool:
    """Whether the address names a database, which MLflow opens itself."""
    return get_uri_scheme(address) in db_types.DATABASE_ENGINES


def check_address(address: str, error: Exception) -> None:
    """Raise AddressError if the error says that MLflow or a driver refused a configured address before any contact."""
    is_refused = isinstance(error, ArgumentError | InvalidUrlException)
    if isinstance(error, MlflowException) and not (isinstance(error, RestException) or is_database(address)):
        is_refused |= error.get_http_status_code() == 400
    if configured_address() and is_refused:
        problem = f"MLFLOW_TRACKING_URI is {hide_secrets(address, address)}, which MLflow cannot use"
        example = "expected an address such as http://HOST:5000 or sqlite:////PATH/mlflow.db"
        raise AddressError(f"{problem} ({summarize_error(error)}): {example}") from error


def check_writable(address: str) -> None:
    """Raise InputError if the address is that of a SQLite database which this user cannot write."""
    file = database_file(address)
    if file is None or not file.exists():
        return
    if not os.access(file, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        advice = f"if a group shares it, its owner can allow this: chmod g+w {shlex.quote(str(file))}"
        raise InputError(f"the MLflow database {file} cannot be written (permission denied): {advice}")


def has_tables(address: str) -> bool:
    """Whether MLflow has tables in the database, or the address names a server.

    Raises:
        InputError: Another version of MLflow made the tables. Opening an older database would change them.
    """
    file = database_file(address)
    if not is_database(address):
        return True
    if file is not None and not file.exists():  # connecting would create it
        return False
    engine = databases.create_sqlalchemy_engine_with_retry(address)
    try:
        version = databases._get_schema_version(engine)
    finally:
        engine.dispose()
    if version not in (None, databases._get_latest_schema_revision()):
        shown_address = hide_secrets(address)
        raise InputError(
            f"the MLflow database {shown_address} is of another version than MLflow {mlflow.__version__}: "
            "update MLflow if the database is newer; if it is older, back it up and run "
            f"`mlflow db upgrade {shlex.quote(shown_address)}`"
        )
    return version is not None


def server_version(address: str) -> str:
    """Return the version of a server, or of this machine's MLflow for a database; '' if a server does not tell it."""
    if is_database(address):
        return mlflow.__version__
    response = http_request(get_default_host_creds(address), "/version", "GET")
    return response.text if response.ok else ""


def absolute_address(address: str) -> str:
    """Return the address; that of a SQLite database with the absolute path of its file."""
    file = database_file(address)
    return address if file is None else database_uri(file)


def artifact_folder(address: str, out: Path | None) -> str | None:
    """Return the address of the folder for artifacts.

    Args:
        address: Address of a server or database.
        out: The output folder, which gets the artifacts of other databases than SQLite: MLflow would write them into
            the working directory.

    Returns:
        The folder beside a SQLite database, or in the output folder; None if the server has its own.
    """
    file = database_file(address)
    folder = file.parent if file is not None else out if is_database(address) else None
    return None if folder is None else (folder.resolve() / "artifacts").as_uri()


def artifact_store(run: Any, address: str, out: Path | None = None) -> Any:
    """Return the store of a run's artifacts: in `artifact_folder`, if this harness or MLflow chose a local folder."""
    place, name = run.info.artifact_uri, f"/{run.info.run_id}/artifacts"
    folder = artifact_folder(address, out)
    is_ours = place.endswith(f"/artifacts{name}") or (database_file(address) is None and is_local_uri(place))
    return get_artifact_repository(folder + name if folder is not None and is_ours else place, tracking_uri=address)


def find_moved_folder(address: str) -> str:
    """Return an artifact folder that a SQLite database stores and that is not beside it; '' if there is none."""
    return next((folder for (folder,) in _execute(address, FIND_MOVED)), "")


def follow_moved_folder(address: str) -> None:
    """Store the folder beside a SQLite database as the place of this harness's artifacts; all of them or none."""
    if find_moved_folder(address):  # a database that is in its place may be read-only
        _execute(address, *FOLLOW_MOVED)


def _execute(address: str, *statements: str) -> list[Any]:
    """Execute SQL statements in one transaction of a SQLite database, if it is one; return the rows."""
    file = database_file(address)
    if file is None:
        return []
    values = {"folder": artifact_folder(address, None), "prefix": PREFIX, "tag": EXPERIMENT_TAG}
    with closing(sqlite3.connect(file)) as database, database:
        return [row for statement in statements for row in database.execute(statement, values)]
