"""`ablate ui` serves the configured database or says in one line why not; no command shows a password."""

import socket
import subprocess

import pytest

import ablate
from bench.tracking import mlflow_client
from bench.tracking.address import load_views
from bench.tracking.publisher import Publisher
from bench.tracking.retry_queue import RetryQueue

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own


class Server:
    """A stand-in for the process of MLflow's server."""

    status = 0

    def __init__(self, command, env, **_):
        type(self).started.append((command, env["MLFLOW_BACKEND_STORE_URI"]))
        type(self).variables = env

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def wait(self):
        return self.status


@pytest.fixture
def started(monkeypatch):
    """The commands and the addresses of the servers that were started."""
    Server.started = []
    monkeypatch.setattr(subprocess, "Popen", Server)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Server.started


def serve(out, *options):
    return ablate.main(["ui", "--out", str(out), "--port", str(free_port()), *options])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_printed_address_opens_the_charts_of_all_arms(smoke, started, capsys):
    """MLflow routes by the part after '#': a query before it leaves the reader on the start page for GenAI."""
    assert serve(smoke.out) == 0
    page = capsys.readouterr().out.split()[0]
    assert page.endswith(load_views(smoke.out)[""].removeprefix("http://127.0.0.1:5000"))
    assert "/#/experiments/" in page and "viewStateShareKey=whole-" in page and "compareRunsMode=CHART" in page


def test_without_arms_the_list_of_experiments_opens_and_a_server_that_fails_gives_status_1(
    started, tmp_path, capsys, monkeypatch
):
    Publisher(tmp_path)
    monkeypatch.setattr(Server, "status", -9)
    assert serve(tmp_path) == 1
    assert "/#/experiments?workflowType=machine_learning" in capsys.readouterr().out


def test_the_interface_sends_no_telemetry(smoke, started):
    """MLflow's interface asks the server whether it may send any."""
    assert serve(smoke.out) == 0
    assert Server.variables["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_the_database_that_the_variable_names_is_served(smoke, started, tmp_path, monkeypatch):
    address = mlflow_client.tracking_uri(smoke.out)
    assert serve(smoke.out) == 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert serve(tmp_path) == 0
    assert [served for _, served in started] == [address] * 2
    assert all(address not in command for command, _ in started), "other users could read a password in it"


@pytest.mark.parametrize(
    ("address", "message"),
    {
        "databricks": "databricks: `ablate ui` needs a database",
        "file:///some/mlruns": "file:///some/mlruns: `ablate ui` needs a database",
        "./mlruns": "./mlruns: `ablate ui` needs a database",
        "ftp://host": "ftp://host: `ablate ui` needs a database",
        "sqlite:///none.db": "none.db not found",
        "sqlite:none.db": "cannot be read by MLflow",
        "nosuchdriver+sqlite+x://": "nosuchdriver+sqlite+x://: `ablate ui` needs a database",
        "mysql://alice:s3cretpw@127.0.0.1/db": "mysql://***@127.0.0.1/db cannot be read by MLflow",
    }.items(),
)
def test_what_cannot_be_served_is_one_line(started, tmp_path, monkeypatch, capsys, address, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert serve(tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not started and not list(tmp_path.iterdir())


@pytest.mark.parametrize("port", ["0", "-1", "65536", "70000"])
def test_a_port_that_does_not_exist_is_one_line(smoke, started, capsys, port):
    assert serve(smoke.out, "--port", port) == 2
    assert capsys.readouterr().err == f"ablate: --port is {port}: expected 1 to 65535\n"
    assert not started


def test_a_port_in_use_is_one_line(smoke, started, capsys):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        assert serve(smoke.out, "--port", str(port)) == 2
    assert capsys.readouterr().err.startswith(f"ablate: port {port} is in use")
    assert not started


@pytest.mark.parametrize("verb", ["doctor", "ui", "import"])
def test_no_command_shows_a_password(smoke, started, tmp_path, monkeypatch, capsys, verb):
    address = "http://alice:s3cretpw@127.0.0.1:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    origin = [address, "--out", str(tmp_path)] if verb == "import" else ["--out", str(smoke.out)]
    ablate.main([verb, *origin])
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert "s3cretpw" not in shown and "alice" not in shown.replace(address, "") and "127.0.0.1:9" in shown


def test_a_run_shows_no_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://alice:s3cretpw@127.0.0.1:9")
    warnings = []
    RetryQueue(tmp_path, "smoke", warnings.append)
    (warning,) = warnings
    assert "s3cretpw" not in warning and "***@127.0.0.1:9" in warning
