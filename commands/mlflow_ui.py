"""Opens the runs in MLflow."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.spec.errors import InputError


def serve(out: Path, port: int, say: Callable[[str], None]) -> int:
    """MLflow's own server over the runs in `out`, on this machine only, until Ctrl-C; returns its exit status."""
    if importlib.util.find_spec("mlflow") is None:
        raise InputError("mlflow is not installed: pip install mlflow")
    from bench.tracking import mlflow_client

    address = mlflow_client.uri(out)
    if address.startswith("http"):
        say(f"MLFLOW_TRACKING_URI names a server: {address}/?workflowType=machine_learning")
        return 0
    if not (out / "mlflow.db").exists():
        raise InputError(f"there is no {out / 'mlflow.db'}: nothing was run into {out} yet")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InputError(f"port {port} is taken: name another with --port, or make ui PORT=5001")
    say(f"http://127.0.0.1:{port}/?workflowType=machine_learning  (Ctrl-C ends it)")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address, "--host", "127.0.0.1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command += ["--port", str(port), "--workers", "1"]
    with subprocess.Popen(command, env={**os.environ, **quiet}, start_new_session=True) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
