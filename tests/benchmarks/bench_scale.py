"""Many jobs: time, memory and reports that grow with their number and no faster."""

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
from bench.runner.scheduler import RunOptions, run
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import worker_count
from bench.tracking.retry_queue import RetryQueue

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent.parent)))}


def tiny(tmp_path: Path, count: int) -> tuple[list[Trial], Source]:
    """Trials of one step on one batch: next to no training."""
    source = locate(str(synthetic.folder(tmp_path / "images", 2, 1)), tmp_path / "out")
    recipe = TrainConfig(epochs=1, batch=source.data.train)
    return [Trial(ModelConfig(width=0.01), recipe, source.data, seed) for seed in range(count)], source


def memory() -> float:
    """Of the run's workers and their server, in MiB; what processes share counts once. Linux alone tells."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if _of_this_run(process):
                lines = (process / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:  # it has ended
            continue
    return total / 1024


def _of_this_run(process: Path) -> bool:
    """Whether its line of parents comes to this process, which has pytest and more in it and does not count."""
    this, here = process, Path("/proc/self").resolve()
    if this == here:
        return False
    while this.name not in ("0", "1"):
        if this == here:
            return True
        this = this.with_name((this / "stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_a_thousand_trials_that_train_for_no_time(figure, short, tmp_path):
    count, rounds = (20, 1) if short else (1_000, 3)
    jobs, source = tiny(tmp_path, count)
    recorded, published = [], []
    for number in range(rounds):
        out, start = tmp_path / str(number), time.time()
        options = RunOptions(source, out, worker_count("cpu"), select_kept_trials(jobs, jobs))
        assert sum(event.kind == "done" for event in run(jobs, options)) == count
        recorded.append(time.time() - start)
        start = time.time()
        RetryQueue(out, "smoke", print).publish_all({})
        published.append(time.time() - start)
    figure(f"{count:,} trials of no time, scheduled and recorded", recorded, 20, most=True, unit="s")
    figure(f"{count:,} trials published to SQLite", published, 90, most=True, unit="s")


def memories(jobs: list[Trial], source: Source, out: Path, count: int) -> list[float]:
    """Memory whenever a point has come or a job is done."""
    found = []
    for event in run(jobs, RunOptions(source, out, count, select_kept_trials(jobs, jobs))):
        assert event.kind != "failed", event.record
        if event.kind in ("done", "point"):
            found.append(memory())
    return found


def test_memory_does_not_grow_with_the_number_of_trials(figure, short, tmp_path):
    count = 10 if short else 200
    jobs, source = tiny(tmp_path, count)
    found = memories(jobs, source, tmp_path / "out", worker_count("cpu"))
    quarter = max(1, len(found) // 4)
    growth = np.array(found[-quarter:]) / np.mean(found[quarter : 2 * quarter])
    figure(f"memory of {count} trials, last quarter / second quarter", growth, 1.02, most=True)


def test_memory_of_a_further_worker(figure, short, tmp_path):
    """At quarter width, on 60,000 images, once training runs."""
    source = synthetic.source(tmp_path, *((500, 100) if short else (50_000, 10_000)))
    recipe = TrainConfig(epochs=1 if short else 4, share=0.1)

    def peak(count: int, first: int) -> float:
        jobs = [Trial(ModelConfig(width=0.25), recipe, source.data, first + number) for number in range(count)]
        return max(memories(jobs, source, tmp_path / str(count), count))

    rounds = range(1 if short else 3)
    further = [peak(2, 10 * number) - peak(1, 10 * number + 5) for number in rounds]
    figure("memory of a further worker, quarter width", further, 150, most=True, unit="MiB")


REPORT = """
import json, sys, time
from pathlib import Path
from fabricated import asked
from reports.report import write_report
start = time.perf_counter()
write_report(Path(sys.argv[1]), *asked(int(sys.argv[2])))
seconds, status = time.perf_counter() - start, Path("/proc/self/status").read_text()
print(json.dumps([seconds, next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024]))
"""


def report(out: Path, size: int) -> tuple[float, float]:
    """Seconds and MiB of one, in a process that does nothing else."""
    command = [sys.executable, "-c", REPORT, str(out), str(size)]
    said = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert said.returncode == 0, said.stderr
    seconds, mib = json.loads(said.stdout)
    return seconds, mib


def test_a_report_of_many_records_grows_with_their_number(figure, short, tmp_path):
    sizes, rounds = ((40, 80, 160), 1) if short else ((2_500, 5_000, 10_000), 3)
    for size in sizes:
        fabricate(tmp_path / str(size), size)
    found = np.array([[report(tmp_path / str(size), size) for size in sizes] for _ in range(rounds)])
    seconds, mib = found[..., 0], found[..., 1]
    for number, size in enumerate(sizes):
        goal = 30 if size == sizes[-1] else None
        figure(f"report of {size:,} records", seconds[:, number], goal, most=True, unit="s")
    figure(f"report of {sizes[-1]:,} records, peak memory", mib[:, -1], 2048, most=True, unit="MiB")
    figure("report: time for twice the records", seconds[:, -1] / seconds[:, -2], 2.2, most=True)
