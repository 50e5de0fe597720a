"""Servers that a test starts, PostgreSQL and MLflow, and the runs that MLflow has."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.tracking import mlflow_client
from bench.tracking.mlflow_format import PREFIX
from bench.tracking.publisher import Publisher

USER = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name: str) -> str:
    """Path of a PostgreSQL program; Debian keeps them in a folder per version, which is not on the path."""
    paths = [str(file) for file in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return paths[-1] if paths else shutil.which(name) or pytest.skip("PostgreSQL is not installed")


@contextmanager
def postgres() -> Iterator[str]:
    """Provide the address of an empty database; its cluster is stopped and removed at the end."""
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with tempfile.TemporaryDirectory() as temporary:
        folder, port = Path(temporary), free_port()
        if USER:
            shutil.chown(folder, USER)

        def execute(name: str, *arguments: str) -> None:
            subprocess.run(
                [program(name), "-D", temporary + "/cluster", *arguments], cwd=temporary, user=USER, check=True
            )

        execute("initdb", "--auth=trust", "--username=mlflow", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        execute("pg_ctl", "start", "--wait", "--log", f"{folder}/log", "--options", options)
        try:
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
        finally:
            execute("pg_ctl", "stop", "--wait", "--mode", "immediate")


@contextmanager
def mlflow_server(port: int, backend: str, artifacts: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Provide the address of an `mlflow server`, which is killed at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", backend, "--artifacts-destination", str(artifacts)]
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(
        command, env={**environment, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    ) as process:
        try:
            wait_for_server(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for_server(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.2)


def all_runs(publisher: Publisher) -> dict[str, list[Any]]:
    """Everything that MLflow stores of each run, by identity, except the ids that it chooses."""
    runs = dict[str, list[Any]]()
    experiments = [number for name, number in publisher.experiment_ids.items() if name.startswith(PREFIX)]
    for run in mlflow_client.search_runs(publisher.client, experiments) if experiments else ():
        histories = [publisher.client.get_metric_history(run.info.run_id, name) for name in run.data.metrics]
        runs.setdefault(run.data.tags["identity"], []).append(
            {
                "name": run.info.run_name,
                "status": run.info.status,
                "params": run.data.params,
                "tags": {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
                "metrics": sorted((m.key, m.step, m.value, m.timestamp) for history in histories for m in history),
                "data": [(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs],
                "times": (run.info.start_time, run.info.end_time) if run.data.tags.get("kind") else None,
            }
        )
    return runs
