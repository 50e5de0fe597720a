"""Servers of a test's own: PostgreSQL, and MLflow; and all that MLflow knows."""

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
from bench.tracking.publisher import Publisher

USER = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name: str) -> str:
    """Debian keeps PostgreSQL's beside each version, and not on the path."""
    found = [str(file) for file in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return found[-1] if found else shutil.which(name) or pytest.skip("PostgreSQL is not installed")


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database; its cluster is stopped and removed at the end."""
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        if USER:
            shutil.chown(folder, USER)

        def told(name: str, *arguments: str) -> None:
            subprocess.run([program(name), "-D", made + "/cluster", *arguments], cwd=made, user=USER, check=True)

        told("initdb", "--auth=trust", "--username=mlflow", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        told("pg_ctl", "start", "--wait", "--log", f"{folder}/log", "--options", options)
        try:
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
        finally:
            told("pg_ctl", "stop", "--wait", "--mode", "immediate")


@contextmanager
def mlflow_server(port: int, backend: str, artifacts: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a real `mlflow server`, which is killed at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", backend, "--artifacts-destination", str(artifacts)]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(
        command, env={**environment, **quiet}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    ) as process:
        try:
            until_it_answers(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def until_it_answers(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.2)


def all_runs(publisher: Publisher) -> dict[str, list[Any]]:
    """All that MLflow knows of each run, by its identity, but for what it numbers itself."""
    found = dict[str, list[Any]]()
    for one in mlflow_client.find_runs(publisher.client, publisher.experiment_ids):
        histories = [publisher.client.get_metric_history(one.info.run_id, name) for name in one.data.metrics]
        found.setdefault(one.data.tags["identity"], []).append(
            {
                "name": one.info.run_name,
                "status": one.info.status,
                "params": one.data.params,
                "tags": {name: value for name, value in one.data.tags.items() if not name.startswith("mlflow.")},
                "metrics": sorted((m.key, m.step, m.value, m.timestamp) for those in histories for m in those),
                "data": [(i.dataset.name, i.dataset.digest) for i in one.inputs.dataset_inputs],
                "times": (one.info.start_time, one.info.end_time) if one.data.tags.get("kind") else None,
            }
        )
    return found
