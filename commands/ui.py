"""`ablate ui`: MLflow's user interface over the runs of an output folder."""

import argparse
import errno
import importlib.util
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import suppress

from rich.console import Console

from bench.spec.errors import InputError
from bench.tracking.address import configured_address, hide_secrets, web_address
from bench.tracking.mlflow_format import to_input_error

LIST = "#/experiments?workflowType=machine_learning"  # MLflow ignores a query before the #


def serve_ui(options: argparse.Namespace, console: Console) -> int:
    """Serve MLflow on this machine only until Ctrl-C; return the exit status, 1 if the server failed."""
    if importlib.util.find_spec("mlflow") is None:
        raise InputError("mlflow is not installed: pip install mlflow")
    from bench.tracking import mlflow_client, mlflow_database

    out, port, address = options.out, options.port, mlflow_client.tracking_uri(options.out)
    if address.lower().startswith("http"):
        console.print(
            f"MLFLOW_TRACKING_URI names a server: {_find_page(web_address(address), address)}", soft_wrap=True
        )
        return 0
    if not mlflow_database.is_database(address):
        kinds = "a database (sqlite:///..., postgresql://...) or the http address of a server"
        raise InputError(f"MLFLOW_TRACKING_URI is {hide_secrets(address)}: `ablate ui` needs {kinds}")
    _check_port(port)
    if not configured_address() and not (out / "mlflow.db").exists():
        raise InputError(f"{out / 'mlflow.db'} not found: `ablate run` creates it")
    _prepare(address)
    page = _find_page(f"http://127.0.0.1:{port}", address)
    console.print(f"{page}  (stop with Ctrl-C)", soft_wrap=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    variables = {
        "MLFLOW_BACKEND_STORE_URI": address,  # an option would show its password in the list of processes
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "UVICORN_APP_DIR": str(out),  # its default, the working directory, may hold a user's own yaml.py
    }
    with subprocess.Popen(command, env={**os.environ, **variables}, start_new_session=True) as server:
        try:
            return int(server.wait() != 0)
        except KeyboardInterrupt:
            server.terminate()
            return 0


def _find_page(base: str, address: str) -> str:
    """Return the page of all arms of the latest run, or the list of experiments.

    Args:
        base: Address of the web interface, without a password.
        address: Address of the server or database.
    """
    from bench.tracking import mlflow_client
    from bench.tracking.arm_publisher import find_newest_view

    view = ""
    with suppress(Exception):  # of a server that cannot be reached, of any class
        view = find_newest_view(mlflow_client.connect(address))
    return f"{base.rstrip('/')}/{view or LIST}"


def _check_port(port: int) -> None:
    """Raise InputError if no server can listen on the port."""
    if not 1 <= port <= 65535:
        raise InputError(f"--port is {port}: expected 1 to 65535")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise InputError(f"port {port} {reason}: choose another with --port, or make ui PORT=5001") from error


def _prepare(address: str) -> None:
    """Update the places of artifacts; raise InputError if MLflow cannot read the database."""
    from bench.tracking import mlflow_client, mlflow_database

    try:
        client = mlflow_client.connect(address)
        client.search_experiments(max_results=1)
        with suppress(sqlite3.OperationalError):  # it is read-only: artifacts are shown where they were
            mlflow_database.follow_moved_folder(address)
    except Exception as error:  # database drivers raise classes of their own
        raise to_input_error(address, error) from error
