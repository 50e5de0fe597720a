"""An MLflow server that stops and starts again, or is absent until the end of the run."""

from __future__ import annotations

import random
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from runs import command_line
from servers import free_port, mlflow_server

from bench.records import store
from bench.tracking import mlflow_client, mlflow_format
from bench.tracking.publisher import Publisher


@pytest.mark.parametrize("stays_away", [False, True])
def test_a_server_that_comes_and_goes_has_every_point_once(command, marked, short, tmp_path, monkeypatch, stays_away):
    if short and not stays_away:
        pytest.skip("a server that is there at the end is for the long form")
    port, out, chance = free_port(), tmp_path / "out", random.Random(int(stays_away))
    environment = marked | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    server = partial(mlflow_server, port, f"sqlite:///{tmp_path}/server.db", tmp_path / "artifacts", marked)
    words = command_line(command, tmp_path, short)
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(1 if short else 3):
            time.sleep(chance.uniform(0, 5))
            with server():
                time.sleep(chance.uniform(1, 5 if short else 20))
        if stays_away:
            output, _ = process.communicate(timeout=600)
        else:
            with server():
                output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert store.read_all(out)
    with server():
        assert subprocess.run(words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL).returncode == 0
        monkeypatch.setenv("MLFLOW_TRACKING_URI", environment["MLFLOW_TRACKING_URI"])
        assert_published(out)


def assert_published(out: Path) -> None:
    """Assert that every record is one finished run with each point once."""
    publisher = Publisher(out)
    runs = [
        run for run in mlflow_client.find_runs(publisher.client, publisher.experiment_ids) if run.data.tags.get("kind")
    ]
    assert sorted(run.data.tags["identity"] for run in runs) == sorted(r["identity"] for r in store.read_all(out))
    for run in runs:
        record = store.read(out, run.data.tags["identity"])
        assert record is not None and run.info.status == "FINISHED"
        expected = {(name, step, value, ms) for name, value, ms, step in mlflow_format.metrics(record)}
        points = [
            (m.key, m.step, m.value, m.timestamp)
            for name in run.data.metrics
            for m in publisher.client.get_metric_history(run.info.run_id, name)
        ]
        assert len(points) == len(set(points)) and set(points) == expected
