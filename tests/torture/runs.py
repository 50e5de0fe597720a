"""Runs of the command that all torture is about, and what is left of them."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from bench.records import store

STUDY = """
from ablations import Study

STUDY = Study(question="?", claims=(), base={"epochs": 100, "dropout": 0.5}, arms={"relu": {}})
"""
SEEDS, SHORT = 12, 1  # three trials each, of four seconds on an idle core
CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


def asked(command: tuple[str, ...], here: Path, short: bool, name: str = "out", more: int = 0) -> list[str]:
    """The command line of the study, into a folder of this name. more: seeds beyond the usual."""
    (here / "small.py").write_text(STUDY)
    seeds = (SHORT if short else SEEDS) + more
    words = f"run small.py --profile smoke --data digits --device cpu --seeds {seeds} --out"
    return [*command, *words.split(), str(here / name)]


def run(words: list[str], environment: dict[str, str], here: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=here, env=environment, capture_output=True, text=True, timeout=900)


def all_measured(out: Path) -> dict[str, dict[str, Any]]:
    """The records less their times."""
    return {record["identity"]: measured(record) for record in store.read_all(out)}


def measured(record: dict[str, Any]) -> dict[str, Any]:
    points = [
        {**point, "time": 0, "metrics": {k: v for k, v in point["metrics"].items() if k not in CLOCKS}}
        for point in record.get("points", [])
    ]
    return {**record, "started": 0, "ended": 0, "raw": {}, "points": points}


def weights(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.folder(out).glob("*.safetensors")}


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


def same(out: Path, alone: Path) -> None:
    """Records, weights, files and MLflow's runs are those of an undisturbed run."""
    assert all_measured(out) == all_measured(alone)
    assert weights(out) == weights(alone)
    assert left(out) == left(alone)
    assert published(out) == {identity: 1 for identity in all_measured(alone)}
