"""`kill -9` at random moments, over workers, the server that they fork from, and the command itself."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from processes import parent, processes

from bench import records

STUDY = """
from ablations.study import Study

STUDY = Study(question="?", claims=(), base={"epochs": 100, "dropout": 0.5}, arms={"relu": {}})
"""
CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")
KINDS = {"command": 0.2, "helper": 0.1, "worker": 0.7}  # helper: the server of workers, and what tracks semaphores
SETTLED = 2.0  # seconds after which a point must be safe: four checkpoints

Points = dict[tuple[str, int], float]  # when a trial's point was measured, by identity and epoch


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

    chance, kills, safe = random.Random(0), Counter[str](), Points()
    while sum(kills.values()) < (6 if short else 100):
        kills += disturbed([*asked, "--retry-failed", "--out", str(storm)], marked, tmp_path, chance, safe)
    print(f"\nkilled: {dict(kills)}; {len(safe)} points were safe before a kill")
    assert kills["command"] and kills["worker"] and (kills["helper"] or short)
    last = run([*asked, "--retry-failed", "--out", str(storm)], marked, tmp_path)
    assert last.returncode == 0, last.stdout + last.stderr

    assert all_measured(storm) == all_measured(calm)
    assert weights(storm) == weights(calm)
    assert left(storm) == left(calm)
    assert published(storm) == {identity: 1 for identity in all_measured(calm)}
    ended = {(r["identity"], point["epoch"]): point["time"] for r in records.read_all(storm) for point in r["points"]}
    assert safe and safe == {point: ended[point] for point in safe}, "what had a checkpoint was trained again"


def run(asked: list[str], environment: dict[str, str], here: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(asked, cwd=here, env=environment, capture_output=True, text=True, timeout=900)


def disturbed(
    asked: list[str], environment: dict[str, str], here: Path, chance: random.Random, safe: Points
) -> Counter[str]:
    """Runs the command and kills one of its processes now and then, until it is dead or done; notes what is safe."""
    kills, mark = Counter[str](), environment["ABLATE_TORTURE"]
    with (
        (here / "said.txt").open("w+") as said,
        subprocess.Popen(asked, cwd=here, env=environment, stdout=said, stderr=said) as process,
    ):
        while process.poll() is None:
            time.sleep(chance.uniform(0.1, 2.5))
            kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
            victims = [one for one in processes(mark) if kind_of(one, process.pid) == kind]
            if victims:
                safe |= settled(Path(asked[-1]))
                kills[kind] += killed(chance.choice(victims))
        told = (here / "said.txt").read_text()
        assert process.returncode in (0, -signal.SIGKILL) or "came to nothing" in told, told
    until_none_is_left(mark)
    return kills


def kind_of(process: int, command: int) -> str:
    return "command" if process == command else "helper" if parent(process) == command else "worker"


def killed(victim: int) -> bool:
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def settled(out: Path) -> Points:
    """The points of running trials that are old enough to be in a checkpoint."""
    found = Points()
    for file in records.folder(out).glob("*.part"):
        if not records.path(out, file.stem).exists():
            points = [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            found |= {(file.stem, p["epoch"]): p["time"] for p in points if p["time"] < time.time() - SETTLED}
    return found


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
    """How many runs each trial has in MLflow; all must have ended well, and the report has one."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=5000)
    assert {found.info.status for found in runs} == {"FINISHED"}
    names = Counter(found.data.tags["identity"] for found in runs)
    assert [names.pop(name) for name in list(names) if name.startswith("report")] == [1]
    return dict(names)
