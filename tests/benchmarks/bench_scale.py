"""Many jobs: time, memory and report grow no faster than their number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import synthetic
from fabricated import fabricate

from bench.data.source import Source, locate
from bench.runner.pending import select_kept_trials
from bench.runner.scheduler import run
from bench.runner.task import RunOptions
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import worker_count
from bench.tracking.retry_queue import RetryQueue

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent.parent)))}


def tiny(tmp_path: Path, count: int) -> tuple[list[Trial], Source]:
    """Trials of a single step on one batch, with hardly any training."""
    source = locate(str(synthetic.folder(tmp_path / "images", 2, 1)), tmp_path / "out")
    recipe = TrainConfig(augmentation="both", epochs=1, batch=source.data.train)
    return [
        Trial(ModelConfig("document", dropout=0.5, width=0.01), recipe, source.data, seed) for seed in range(count)
    ], source


def read_memory_mib() -> float:
    """Memory of the run's workers and their fork server in MiB, with shared memory counted once (Linux only)."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if _of_this_run(process):
                lines = (process / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:  # the process has ended
            continue
    return total / 1024


def _of_this_run(process: Path) -> bool:
    """Whether a process descends from this one, which holds pytest and does not count itself."""
    ancestor, test_process = process, Path("/proc/self").resolve()
    if ancestor == test_process:
        return False
    while ancestor.name not in ("0", "1"):
        if ancestor == test_process:
            return True
        ancestor = ancestor.with_name((ancestor / "stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_a_thousand_trials_with_hardly_any_training(figure, short, tmp_path):
    count, rounds = (20, 1) if short else (1_000, 3)
    jobs, source = tiny(tmp_path, count)
    recording_s, publishing_s = [], []
    for number in range(rounds):
        out, start = tmp_path / str(number), time.time()
        out.mkdir()
        options = RunOptions(source, out, worker_count("cpu"), select_kept_trials(jobs, jobs).__contains__)
        assert sum(event.kind == "done" for event in run(jobs, options)) == count
        recording_s.append(time.time() - start)
        start = time.time()
        RetryQueue(out, "smoke", print).publish_all({})
        publishing_s.append(time.time() - start)
    figure(f"{count:,} trials of no time, scheduled and recorded", recording_s, 20, is_upper_limit=True, unit="s")
    figure(f"{count:,} trials published to SQLite", publishing_s, 90, is_upper_limit=True, unit="s")


def run_and_measure_memory(jobs: list[Trial], source: Source, out: Path, count: int) -> list[float]:
    """Run the jobs; return the memory in MiB after each point and each job."""
    out.mkdir(exist_ok=True)
    memory_mib = []
    for event in run(jobs, RunOptions(source, out, count, select_kept_trials(jobs, jobs).__contains__)):
        assert event.kind != "failed", event.record
        if event.kind in ("done", "point"):
            memory_mib.append(read_memory_mib())
    return memory_mib


def test_memory_does_not_grow_with_the_number_of_trials(figure, short, tmp_path):
    count = 10 if short else 200
    jobs, source = tiny(tmp_path, count)
    memory_mib = run_and_measure_memory(jobs, source, tmp_path / "out", worker_count("cpu"))
    quarter = max(1, len(memory_mib) // 4)
    growth = np.array(memory_mib[-quarter:]) / np.mean(memory_mib[quarter : 2 * quarter])
    figure(f"memory of {count} trials, last quarter / second quarter", growth, 1.02, is_upper_limit=True)


def test_memory_of_a_further_worker(figure, short, tmp_path):
    """The network has a quarter of its width; the data set has 60,000 images."""
    source = synthetic.source(tmp_path, *((500, 100) if short else (50_000, 10_000)))
    recipe = TrainConfig(augmentation="both", epochs=1 if short else 4, share=0.1)

    def peak_mib(count: int, first_seed: int) -> float:
        jobs = [
            Trial(ModelConfig("document", dropout=0.5, width=0.25), recipe, source.data, first_seed + number)
            for number in range(count)
        ]
        return max(run_and_measure_memory(jobs, source, tmp_path / str(count), count))

    rounds = range(1 if short else 3)
    further_mib = [peak_mib(2, 10 * number) - peak_mib(1, 10 * number + 5) for number in rounds]
    figure("memory of a further worker, quarter width", further_mib, 150, is_upper_limit=True, unit="MiB")


REPORT = """
import json, sys, time
from pathlib import Path
from fabricated import make_study
from reports.report import write_report
start = time.perf_counter()
write_report(Path(sys.argv[1]), *make_study(int(sys.argv[2])))
seconds, status = time.perf_counter() - start, Path("/proc/self/status").read_text()
print(json.dumps([seconds, next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024]))
"""


def write_report(out: Path, size: int) -> tuple[float, float]:
    """Write a report in a process of its own; return its seconds and peak MiB."""
    command = [sys.executable, "-c", REPORT, str(out), str(size)]
    process = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert process.returncode == 0, process.stderr
    seconds, mib = json.loads(process.stdout)
    return seconds, mib


def test_a_report_of_many_records_grows_with_their_number(figure, short, tmp_path):
    sizes, rounds = ((40, 80, 160), 1) if short else ((2_500, 5_000, 10_000), 3)
    for size in sizes:
        fabricate(tmp_path / str(size), size)
    costs = np.array([[write_report(tmp_path / str(size), size) for size in sizes] for _ in range(rounds)])
    seconds, mib = costs[..., 0], costs[..., 1]
    for number, size in enumerate(sizes):
        goal = 30 if size == sizes[-1] else None
        figure(f"report of {size:,} records", seconds[:, number], goal, is_upper_limit=True, unit="s")
    figure(f"report of {sizes[-1]:,} records, peak memory", mib[:, -1], 2048, is_upper_limit=True, unit="MiB")
    figure("report: time for twice the records", seconds[:, -1] / seconds[:, -2], 2.2, is_upper_limit=True)
