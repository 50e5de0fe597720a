"""An MLflow server of its own that comes and goes, and stays away to the end."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from runs import asked, free_port

from bench import publish, records, words


@contextmanager
def server(port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A real `mlflow server`, killed at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(
        command, env=environment | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    ) as process:
        try:
            until_it_answers(port)
            yield
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


@pytest.mark.parametrize("stays_away", [False, True])
def test_a_server_that_comes_and_goes_has_every_point_once(command, marked, short, tmp_path, monkeypatch, stays_away):
    if short and not stays_away:
        pytest.skip("a server that is there at the end is for the long form")
    port, out, chance = free_port(), tmp_path / "out", random.Random(int(stays_away))
    environment = marked | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    words = asked(command, tmp_path, short)
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(1 if short else 3):
            time.sleep(chance.uniform(0, 5))
            with server(port, tmp_path, marked):
                time.sleep(chance.uniform(1, 5 if short else 20))
        if stays_away:
            said, _ = process.communicate(timeout=600)
        else:
            with server(port, tmp_path, marked):
                said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert records.read_all(out)
    with server(port, tmp_path, marked):
        assert subprocess.run(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL).returncode == 0
        monkeypatch.setenv("MLFLOW_TRACKING_URI", environment["MLFLOW_TRACKING_URI"])
        check(out)


def check(out: Path) -> None:
    """Every record is one run, which ended, with each point once."""
    publisher = publish.Publisher(out)
    runs = [run for run in publish.runs(publisher.client, publisher.experiments) if run.data.tags.get("kind")]
    assert sorted(run.data.tags["identity"] for run in runs) == sorted(r["identity"] for r in records.read_all(out))
    for run in runs:
        record = records.read(out, run.data.tags["identity"])
        assert record is not None and run.info.status == "FINISHED"
        told = {(name, step, value, ms) for name, value, ms, step in words.metrics(record)}
        found = [
            (m.key, m.step, m.value, m.timestamp)
            for name in run.data.metrics
            for m in publisher.client.get_metric_history(run.info.run_id, name)
        ]
        assert len(found) == len(set(found)) and set(found) == told
