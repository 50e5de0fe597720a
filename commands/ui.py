"""`ablate ui`: MLflow's user interface over the runs of an output folder."""

import argparse
import importlib.util
import os
import socket
import subprocess
import sys

from rich.console import Console

from bench.spec.errors import InputError


def serve_ui(options: argparse.Namespace, console: Console) -> int:
    """Serve MLflow on this machine only until Ctrl-C; return the server's exit status."""
    if importlib.util.find_spec("mlflow") is None:
        raise InputError("mlflow is not installed: pip install mlflow")
    from bench.tracking import mlflow_client

    out, port, address = options.out, options.port, mlflow_client.tracking_uri(options.out)
    if address.startswith("http"):
        page = f"{address}/?workflowType=machine_learning"
        console.print(f"MLFLOW_TRACKING_URI names a server: {page}", soft_wrap=True)
        return 0
    if not (out / "mlflow.db").exists():
        raise InputError(f"{out / 'mlflow.db'} not found: `ablate run` creates it")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InputError(f"port {port} is in use: choose another with --port, or make ui PORT=5001")
    console.print(f"http://127.0.0.1:{port}/?workflowType=machine_learning  (stop with Ctrl-C)", soft_wrap=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(command, env={**os.environ, **quiet}, start_new_session=True) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
