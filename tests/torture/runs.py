"""Runs of the command that all torture is about, and what is left of them."""

from __future__ import annotations

import socket
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from bench import records

CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


def asked(command: tuple[str, ...], here: Path, seeds: int, epochs: int, name: str = "out") -> list[str]:
    """The command line of a small study, three trials a seed, into a folder; 100 epochs take four idle seconds."""
    (here / "small.py").write_text(
        "from ablations.study import Study\n\n"
        f"STUDY = Study('?', (), {{'epochs': {epochs}, 'dropout': 0.5}}, {{'relu': {{}}}})\n"
    )
    words = f"run small.py --profile smoke --data digits --device cpu --seeds {seeds} --out"
    return [*command, *words.split(), str(here / name)]


def run(asked: list[str], environment: dict[str, str], here: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(asked, cwd=here, env=environment, capture_output=True, text=True, timeout=900)


def measured(record: dict[str, Any]) -> dict[str, Any]:
    """The record less its times."""
    points = [
        {**point, "time": 0, "metrics": {k: v for k, v in point["metrics"].items() if k not in CLOCKS}}
        for point in record["points"]
    ]
    return {**record, "started": 0, "ended": 0, "raw": {}, "points": points}


def all_measured(out: Path) -> dict[str, dict[str, Any]]:
    return {record["identity"]: measured(record) for record in records.read_all(out)}


def left(out: Path) -> set[str]:
    """What lies under `out`, less what has a name of MLflow's own choice."""
    kept = (file.relative_to(out) for file in out.rglob("*") if file.is_file())
    return {str(file) for file in kept if file.parts[0] != "artifacts"}


def published(out: Path) -> dict[str, int]:
    """How many runs each trial has in MLflow; all must have ended well, and the report has one."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=5000)
    assert {found.info.status for found in runs} == {"FINISHED"}
    names = Counter(found.data.tags["identity"] for found in runs)
    assert [names.pop(name) for name in list(names) if name.startswith("report")] == [1]
    return dict(names)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
