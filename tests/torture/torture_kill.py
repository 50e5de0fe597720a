"""`kill -9` at random moments, over workers and the command itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from processes import processes

from bench import records

STUDY = """
from ablations.study import Study

STUDY = Study(question="?", claims=(), base={"epochs": 400, "dropout": 0.5}, arms={"relu": {}})
"""
CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


def measured(record: dict[str, Any]) -> dict[str, Any]:
    """The record less its times."""
    points = [
        {**point, "time": 0, "metrics": {k: v for k, v in point["metrics"].items() if k not in CLOCKS}}
        for point in record["points"]
    ]
    return {**record, "started": 0, "ended": 0, "raw": {}, "points": points}


def all_measured(out: Path) -> dict[str, dict[str, Any]]:
    return {record["identity"]: measured(record) for record in records.read_all(out)}


def weights(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in records.folder(out).glob("*.safetensors")}


def test_a_hundred_kills_change_nothing(command, marked, short, tmp_path):
    (tmp_path / "small.py").write_text(STUDY)
    asked = [*command, "run", "small.py", "--profile", "smoke", "--data", "digits", "--device", "cpu"]
    asked += ["--seeds", "2" if short else "24"]
    calm, storm = tmp_path / "calm", tmp_path / "storm"
    assert run([*asked, "--out", str(calm)], marked, tmp_path).returncode == 0

    chance, kills = random.Random(0), Counter[str]()
    while sum(kills.values()) < (5 if short else 100):
        kills += disturbed([*asked, "--retry-failed", "--out", str(storm)], marked, tmp_path, chance)
    print(f"\nkilled: {dict(kills)}")
    assert kills["worker"] and kills["command"]
    last = run([*asked, "--retry-failed", "--out", str(storm)], marked, tmp_path)
    assert last.returncode == 0, last.stdout + last.stderr

    assert all_measured(storm) == all_measured(calm)
    assert weights(storm) == weights(calm)
    assert left(storm) == left(calm)
    assert published(storm) == {identity: 1 for identity in all_measured(calm)}


def run(asked: list[str], environment: dict[str, str], here: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(asked, cwd=here, env=environment, capture_output=True, text=True, timeout=900)


def disturbed(asked: list[str], environment: dict[str, str], here: Path, chance: random.Random) -> Counter[str]:
    """Runs the command and kills one of its processes now and then, until it is dead or done."""
    kills, mark = Counter[str](), environment["ABLATE_TORTURE"]
    with subprocess.Popen(asked, cwd=here, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            victims = [victim for victim in processes(mark) if victim != process.pid]
            if not victims and chance.random() < 0.95:  # it still starts
                time.sleep(0.3)
                continue
            victim = process.pid if chance.random() < 0.2 or not victims else chance.choice(victims)
            try:
                os.kill(victim, signal.SIGKILL)
                kills["command" if victim == process.pid else "worker"] += 1
            except ProcessLookupError:
                continue
            time.sleep(chance.uniform(0.1, 3))
    until_none_is_left(mark)
    return kills


def until_none_is_left(mark: str) -> None:
    end = time.monotonic() + 20
    while found := processes(mark):
        assert time.monotonic() < end, f"processes outlive the command: {found}"
        time.sleep(0.1)


def left(out: Path) -> set[str]:
    """What lies under `out`, less what has a name of MLflow's own choice."""
    kept = (file.relative_to(out) for file in out.rglob("*") if file.is_file())
    return {str(file) for file in kept if file.parts[0] != "artifacts"}


def published(out: Path) -> dict[str, int]:
    """How many runs each trial has in MLflow; all must have ended well."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=5000)
    assert {found.info.status for found in runs} == {"FINISHED"}
    names = Counter(found.data.tags["identity"] for found in runs if found.data.tags.get("kind"))
    return dict(names)
