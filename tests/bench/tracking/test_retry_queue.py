import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from bench.records import store
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
from bench.tracking import publisher, retry_queue
from bench.tracking.retry_queue import RetryQueue

WIDTHS = (0.1, 0.2, 0.3, 0.4)


class Server:
    """A stand-in for MLflow that accepts records while it is up."""

    def __init__(self):
        self.up, self.got, self.contacts, self.refused = True, [], 0, ()

    def connect(self, out):
        self.contacts += 1
        if not self.up:
            raise OSError("no route to host")
        return self

    def publish(self, record):
        if not self.up:
            raise OSError("connection reset")
        if record["identity"] in self.refused:
            raise MlflowException.invalid_parameter_value("a name\nand a page of advice")
        self.got.append(record["identity"])

    def publish_report(self, name, files):
        self.got.append((name, *files))

    def publish_arms(self, arms):
        self.publish({"identity": arms})

    def find_views(self, data, setting, studies):
        self.publish({"identity": "views"})
        return {study: f"{setting} {study}" for study in studies}


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setattr(publisher, "Publisher", server.connect)
    return server


@pytest.fixture
def finished(tmp_path):
    """Four records on disk."""
    records = []
    for width in WIDTHS:
        record = store.new_record(Count(ModelConfig(width=width))) | {"status": "finished", "started": 0, "ended": 1}
        store.write(tmp_path, record)
        records.append(record)
    return records


def names(records):
    return [record["identity"] for record in records]


def test_records_that_a_server_missed_are_published_once_in_order_at_the_next_contact(
    server, finished, tmp_path, monkeypatch
):
    monkeypatch.setattr(retry_queue, "FIRST_PAUSE_S", 0.0)
    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    queue.publish(finished[0], {})
    server.up = False
    queue.publish(finished[1], {})
    queue.publish(finished[2], {})
    assert server.got == names(finished[:1])
    assert len(warnings) == 1 and "cannot be reached" in warnings[0]
    server.up = True
    queue.publish(finished[3], {})
    assert server.got == names(finished)
    assert not queue.waiting


def test_an_unreachable_server_is_not_contacted_for_every_record(server, finished, tmp_path):
    server.up = False
    queue = RetryQueue(tmp_path, "smoke", lambda text: None)
    for record in finished:
        queue.publish(record, {})
    assert server.contacts == 1
    assert list(queue.waiting) == names(finished)


def test_the_end_of_a_run_retries_and_publishes_everything(server, finished, tmp_path):
    server.up = False
    queue = RetryQueue(tmp_path, "smoke", lambda text: None)
    queue.publish(finished[0], {})
    server.up = True
    queue.publish_all({})
    assert sorted(server.got) == sorted(names(finished))


def test_a_server_that_stays_away_leaves_every_record_due(server, finished, tmp_path):
    server.up = False
    queue = RetryQueue(tmp_path, "smoke", lambda text: None)
    queue.publish_all({})
    assert sorted(queue.waiting) == sorted(names(finished))
    assert store.read_all(tmp_path)


def test_arms_and_the_addresses_of_views_wait_for_a_server_without_failing(server, tmp_path):
    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    assert queue.find_views({}, "quick", ["relu"]) == {"relu": "quick relu"}
    server.up = False
    queue.publish_arms("arms")
    assert queue.find_views({}, "quick", ["relu"]) == {}
    assert len(warnings) == 1 and "cannot be reached" in warnings[0]
    server.up = True
    next_run = RetryQueue(tmp_path, "smoke", warnings.append)
    next_run.publish_arms("arms")
    assert server.got == ["views", "arms"] and len(warnings) == 1


def test_a_record_that_the_server_refuses_is_reported_kept_and_does_not_block_others(server, finished, tmp_path):
    server.refused, warnings = names(finished[:1]), []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    for record in finished:
        queue.publish(record, {})
    assert server.got == names(finished[1:]) and not queue.waiting
    assert warnings == ["MLflow refused what it was sent, which is kept on disk: MlflowException: a name"]
    assert store.read(tmp_path, finished[0]["identity"]) is not None


def test_a_record_that_another_run_replaced_is_not_overwritten(server, finished, tmp_path):
    first = store.read(tmp_path, finished[0]["identity"])
    overtaken = first | store.failure_fields("died", "before another run's retry")
    RetryQueue(tmp_path, "smoke", lambda text: None).publish(overtaken, {first["identity"]: [("relu", "tanh")]})
    tags = {"profiles": ["smoke"], "studies": {"relu": ["tanh"]}}
    assert store.read(tmp_path, first["identity"]) == first | {"tags": tags}


def test_a_report_goes_to_a_server_that_is_there_alone(server, tmp_path):
    queue = RetryQueue(tmp_path, "smoke", lambda text: None)
    queue.publish_report("one", ["report.html"])
    server.up = False
    RetryQueue(tmp_path, "smoke", lambda text: None).publish_report("two", ["report.html"])
    assert server.got == [("one", "report.html")]


def test_without_mlflow_one_line_says_so_and_records_wait(server, finished, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    queue.publish(finished[0], {})
    queue.publish_all({})
    queue.publish_report("one", ["report.html"])
    assert warnings == ["mlflow is not installed: results are kept as records and can be published later"]
    assert (server.contacts, server.got, sorted(queue.waiting)) == (0, [], sorted(names(finished)))


def test_a_server_that_closes_the_connection_is_reported(server, finished, tmp_path, monkeypatch):
    def hang_up(record):
        raise TimeoutError

    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    monkeypatch.setattr(server, "publish", hang_up)
    queue.publish(finished[0], {})
    assert warnings == ["MLflow cannot be reached; missing records are published later: TimeoutError"]
    assert list(queue.waiting) == names(finished[:1])


class NoCredentialsError(Exception):
    """An error like botocore's, which is neither an OSError nor one of MLflow's."""


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'boto3'"), NoCredentialsError("none records")])
@pytest.mark.parametrize("contact", ["connect", "publish", "publish_report"])
def test_any_error_of_a_driver_is_one_line_and_the_run_continues(
    server, finished, tmp_path, monkeypatch, error, contact
):
    def fail(*_):
        raise error

    monkeypatch.setattr(publisher if contact == "connect" else server, contact.replace("connect", "Publisher"), fail)
    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    queue.publish(finished[0], {})
    queue.publish_report("one", ["report.html"])
    assert warnings == [
        f"MLflow cannot be reached; missing records are published later: {type(error).__name__}: {error.args[0]}"
    ]
    assert store.read(tmp_path, finished[0]["identity"]) is not None
    assert list(queue.waiting) == ([] if contact == "publish_report" else names(finished[:1]))


def test_an_mlflow_that_cannot_be_imported_counts_as_unreachable(finished, tmp_path, monkeypatch):
    monkeypatch.delattr("bench.tracking.publisher")
    monkeypatch.setitem(sys.modules, "bench.tracking.publisher", None)
    warnings = []
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    queue.publish_all({})
    assert len(warnings) == 1 and "ModuleNotFoundError: import of bench.tracking.publisher halted" in warnings[0]
    assert sorted(queue.waiting) == sorted(names(finished))


def test_attempts_to_reach_a_server_follow_at_growing_intervals(server, finished, tmp_path, monkeypatch):
    now, attempt_times = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    server.up = False
    queue = RetryQueue(tmp_path, "smoke", lambda text: None)

    def pauses(seconds):
        """Return the pauses between attempts while one record per second is published."""
        attempt_times.clear()
        for _ in range(seconds):
            now[0] += 1
            before = server.contacts
            queue.publish(finished[0], {})
            attempt_times.extend([now[0]] * (server.contacts - before))
        return [after - before for before, after in pairwise(attempt_times)]

    assert pauses(4000) == [60, 120, 240, 480] + [600] * 5
    server.up = True
    pauses(600)
    assert len(server.got) == 4600
    server.up = False
    assert pauses(100) == [60]


def test_mlflow_is_imported_for_a_user_without_a_home_folder(tmp_path):
    code = (
        "import pwd\n"
        "def getpwuid(user): raise KeyError('getpwuid(): uid not found')\n"
        "pwd.getpwuid = getpwuid\n"
        "import bench.tracking.mlflow_client\n"
    )
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
