"""Runs of the command for the torture tests, and comparisons of their results."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from bench.records import store
from bench.tracking.arm_publisher import IDENTITY

STUDY = """
from ablations import Claim, Contrast, Study

STUDY = Study(
    question="?",
    base={"epochs": 100, "dropout": 0.5},
    arms={"relu": {}},
    claims=(Claim("learns", "ReLU learns", (Contrast("test/accuracy", "relu", 0.1, margin=1),)),),
)
"""
SEEDS, SHORT = 12, 1  # of three trials each, which take four seconds on an idle core
CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


def command_line(
    command: tuple[str, ...], folder: Path, short: bool, name: str = "out", extra_seeds: int = 0
) -> list[str]:
    """The command line that runs the study into a folder of this name, with `more` seeds beyond the default."""
    (folder / "small.py").write_text(STUDY)
    seeds = (SHORT if short else SEEDS) + extra_seeds
    words = f"run small.py --profile smoke --data digits --device cpu --seeds {seeds} --out"
    return [*command, *words.split(), str(folder / name)]


def run(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def all_measured(out: Path) -> dict[str, dict[str, Any]]:
    """The records without times, by identity."""
    return {record["identity"]: measured(record) for record in store.read_all(out)}


def measured(record: dict[str, Any]) -> dict[str, Any]:
    points = [
        {**point, "time": 0, "metrics": {k: v for k, v in point["metrics"].items() if k not in CLOCKS}}
        for point in record.get("points", [])
    ]
    return {**record, "started": 0, "ended": 0, "raw": {}, "points": points, "checksum": ""}


def weights(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.folder(out).glob("*.safetensors")}


def remaining_files(out: Path) -> set[str]:
    """The files under `out`, except those that MLflow names."""
    files = (file.relative_to(out) for file in out.rglob("*") if file.is_file())
    return {str(file) for file in files if file.parts[0] != "artifacts"}


def published(out: Path) -> dict[str, int]:
    """Number of MLflow runs by identity of job or arm; all must have finished, and the report has one."""
    from mlflow import MlflowClient

    from bench.tracking import mlflow_client

    client = MlflowClient(mlflow_client.tracking_uri(out))
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=5000)
    assert {run.info.status for run in runs} == {"FINISHED"}
    names = Counter(run.data.tags["identity"] for run in runs)
    assert [names.pop(name) for name in list(names) if name.startswith("report")] == [1]
    return dict(names)


def assert_same_results(out: Path, undisturbed: Path) -> None:
    """Assert that records, weights, files and MLflow's runs equal those of an undisturbed run."""
    assert all_measured(out) == all_measured(undisturbed)
    assert weights(out) == weights(undisturbed)
    difference = remaining_files(out) ^ remaining_files(undisturbed)
    assert not difference, difference
    arms = [identity for identity in published(undisturbed) if identity.startswith(IDENTITY)]
    assert published(out) == dict.fromkeys([*all_measured(undisturbed), *arms], 1)
