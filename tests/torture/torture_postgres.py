"""MLflow's tables in PostgreSQL, in a cluster of the test's own: the same runs as in SQLite."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import free_port

from bench import publish, records

pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
USER = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root


def program(name: str) -> str:
    """Debian keeps them beside each version, and not on the path."""
    found = [str(file) for file in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return found[-1] if found else shutil.which(name) or pytest.skip("PostgreSQL is not installed")


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of an empty database; the cluster is stopped and removed at the end."""
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


def test_postgresql_gets_the_same_runs_as_sqlite(alone, postgres, tmp_path, monkeypatch):
    out = shutil.copytree(alone, tmp_path / "out")
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts
    found = []
    for address in f"sqlite:///{tmp_path}/fresh.db", postgres:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        for _ in "once", "again":
            publisher = publish.Publisher(out)
            for record in records.read_all(out):
                publisher.publish(record)
            publisher.publish_report("?", [out / "reports" / "report.html"])
        found.append(all_runs(publisher))
    assert len(found[0]) == len(records.read_all(out)) + 1
    assert found[0] == found[1]


def all_runs(publisher: publish.Publisher) -> dict[str, list[Any]]:
    """All that MLflow knows of each run, by its identity, but for what it numbers itself."""
    found = dict[str, list[Any]]()
    for one in publish.runs(publisher.client, publisher.experiments):
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
