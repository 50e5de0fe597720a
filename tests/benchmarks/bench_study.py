"""A study of equal trials, from the first step to the last result, by the harness and by its peers, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import synthetic
from peers import BATCH, PEERS, RATE, Work

from bench.data.source import Source, locate
from bench.records import store
from bench.runner.pending import select_kept_trials
from bench.runner.scheduler import run
from bench.runner.task import RunOptions
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import choose_precision, worker_count
from bench.training.evaluation_schedule import evaluated_images, sample_size

GOALS = {
    ("full", "float32"): {"the document's way": 1.9},
    ("quarter", "float32"): {"the document's way": 4.5},
    ("full", "bfloat16"): {"the document's way": 3.2, "PyTorch Lightning": 2.0},
    ("quarter", "bfloat16"): {"the document's way": 7.5, "PyTorch Lightning": 4.0},
}
HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}  # copied before the harness changes variables
Result = dict[str, float]  # images trained on and evaluated, seconds, seconds of start-up


def run_harness(work: Work, source: Source, out: Path) -> Result:
    """Train by the harness; the result follows from its records."""
    recipe = TrainConfig(RATE, "constant", batch=BATCH, epochs=work.epochs, augmentation="document")
    model, precision = ModelConfig("document", dropout=0.5, width=work.width), work.precision
    jobs = [Trial(model, recipe, source.data, seed, precision=precision) for seed in range(work.trials)]
    out.mkdir()
    for event in run(jobs, RunOptions(source, out, worker_count("cpu"), select_kept_trials(jobs, jobs).__contains__)):
        assert event.kind != "failed", event.record
    records = store.read_all(out)
    start, end = min(record["started"] for record in records), max(record["ended"] for record in records)
    splits = source.data.train, source.validation, source.test
    return {
        "trained": BATCH * sum(record["points"][-1]["step"] for record in records),
        "evaluated": work.trials * evaluated_images(work.epochs, *splits),
        "seconds": end - start,
    }


def run_peer(peer: str, work: Work) -> Result:
    start = time.time()
    command = [sys.executable, str(HERE / "peers.py"), peer, json.dumps(work._asdict())]
    process = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout.splitlines()[-1])
    assert result["threads"] == worker_count("cpu"), "a peer has all cores"
    return {**result, "start-up": time.time() - start - result["seconds"]}


@pytest.mark.parametrize("name, width, trials", [("full", 1.0, 2), ("quarter", 0.25, 4)])
def test_a_study_against_its_peers(figure, short, tmp_path, name, width, trials):
    """The harness and Lightning compute in bfloat16 where the processor has units for it, the others in float32."""
    images, rounds, width = (15, 1, 1 / 16) if short else (142, 3, width)
    folder = synthetic.folder(tmp_path / "images", images, 5)
    source = locate(str(folder), tmp_path / "out")
    train, precision = source.data.train, choose_precision("auto", "cpu")
    work = Work(str(folder), width, train, 1 if short else 6, trials, sample_size(train), precision)
    goals = GOALS[name, precision]
    results: dict[str, list[Result]] = {"the harness": [], **{peer: [] for peer in PEERS}}
    for number in range(rounds):
        results["the harness"].append(run_harness(work, source, tmp_path / f"round{number}"))
        for peer in PEERS:
            results[peer].append(run_peer(peer, work))
            for count in ("trained", "evaluated"):
                assert results[peer][-1][count] == results["the harness"][-1][count], (peer, count)
    rates = {tool: [result["trained"] / result["seconds"] for result in results[tool]] for tool in results}
    figure(f"the harness, {name} width, {precision}, images trained on", rates["the harness"], unit="images/s")
    evaluation_ratios = [result["evaluated"] / result["trained"] for result in results["the harness"]]
    figure(f"images evaluated / trained on, {name} width", evaluation_ratios)
    for peer in PEERS:
        ratios = [ours / theirs for ours, theirs in zip(rates["the harness"], rates[peer], strict=True)]
        figure(f"study, {name} width, {precision}: the harness / {peer}", ratios, goals.get(peer, 1.0))
        figure(f"start-up, {name} width: {peer}", [result["start-up"] for result in results[peer]], unit="s")


START = """
import sys
from pathlib import Path
from bench.records import store
from bench.data.source import locate
from bench.runner.scheduler import run
from bench.runner.task import RunOptions
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
if __name__ == "__main__":
    out = Path(sys.argv[2])
    out.mkdir()
    *_, end = run([Count(ModelConfig())], RunOptions(locate(sys.argv[1], out), out, workers=2))
    print(end.record["started"])
"""


def test_the_start_up_of_the_harness(figure, short, tmp_path):
    """Time from the start of the process, with images not decoded yet, to the start of the first job."""
    folder = synthetic.folder(tmp_path / "images", 142, 5)
    start_ups_s = []
    for number in range(1 if short else 3):
        start = time.time()
        command = [sys.executable, "-c", START, str(folder), str(tmp_path / f"out{number}")]
        process = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
        assert process.returncode == 0, process.stderr
        start_ups_s.append(float(process.stdout) - start)
    figure("start-up: the harness", start_ups_s, unit="s")
