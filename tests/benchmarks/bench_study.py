"""A study of four equal trials, from the first step to the last result, by the harness and by its peers, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import synthetic
from peers import BATCH, PEERS, RATE, SAMPLE, Work

from bench.data.source import Source, locate
from bench.records import store
from bench.runner.pending import select_kept_trials
from bench.runner.scheduler import RunOptions, run
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import worker_count

TRIALS = 4
HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}  # as it is before anything is measured
Did = dict[str, float]


def by_the_harness(work: Work, source: Source, out: Path) -> Did:
    """What the harness did, as its records tell."""
    recipe = TrainConfig(RATE, "constant", batch=BATCH, epochs=work.epochs, augmentation="document")
    jobs = [Trial(ModelConfig(width=work.width), recipe, source.data, seed) for seed in range(work.trials)]
    for event in run(jobs, RunOptions(source, out, worker_count("cpu"), select_kept_trials(jobs, jobs))):
        assert event.kind != "failed", event.record
    found = store.read_all(out)
    start, end = min(record["started"] for record in found), max(record["ended"] for record in found)
    everything = source.data.train + source.validation + source.test
    sampled = min(SAMPLE, source.data.train) + min(SAMPLE, source.validation)
    return {
        "trained": BATCH * sum(record["points"][-1]["step"] for record in found),
        "evaluated": sum(2 * everything + (len(record["points"]) - 2) * sampled for record in found),
        "seconds": end - start,
    }


def by_a_peer(peer: str, work: Work) -> Did:
    called = time.time()
    command = [sys.executable, str(HERE / "peers.py"), peer, json.dumps(work._asdict())]
    said = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert said.returncode == 0, said.stderr
    did = json.loads(said.stdout.splitlines()[-1])
    assert did["threads"] == worker_count("cpu"), "a peer has all cores"
    return {**did, "start-up": time.time() - called - did["seconds"]}


@pytest.mark.parametrize("name, width, images, goal", [("full", 1.0, 28, 1.9), ("quarter", 0.25, 142, 4.5)])
def test_a_study_against_its_peers(figure, short, tmp_path, name, width, images, goal):
    """Six epochs: then about as many images are evaluated for each that is trained on as in the profile `quick`."""
    images, rounds, width = (15, 1, 1 / 16) if short else (images, 3, width)
    folder = synthetic.folder(tmp_path / "images", images, 5)
    source = locate(str(folder), tmp_path / "out")
    work = Work(str(folder), width, source.data.train, 1 if short else 6, TRIALS)
    found: dict[str, list[Did]] = {"the harness": [], **{peer: [] for peer in PEERS}}
    for number in range(rounds):
        found["the harness"].append(by_the_harness(work, source, tmp_path / f"round{number}"))
        for peer in PEERS:
            found[peer].append(by_a_peer(peer, work))
            for what in ("trained", "evaluated"):
                assert found[peer][-1][what] == found["the harness"][-1][what], (peer, what)
    rates = {who: [did["trained"] / did["seconds"] for did in every] for who, every in found.items()}
    figure(f"the harness, {name} width, images trained on", rates["the harness"], unit="images/s")
    evaluated = [did["evaluated"] / did["trained"] for did in found["the harness"]]
    figure(f"images evaluated / trained on, {name} width", evaluated)
    for peer in PEERS:
        ratios = [ours / theirs for ours, theirs in zip(rates["the harness"], rates[peer], strict=True)]
        figure(f"study, {name} width: the harness / {peer}", ratios, goal if peer == "the document's way" else 1.0)
        figure(f"start-up, {name} width: {peer}", [did["start-up"] for did in found[peer]], unit="s")


START = """
import sys
from pathlib import Path
from bench.records import store
from bench.data.source import locate
from bench.runner.scheduler import RunOptions, run
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
if __name__ == "__main__":
    out = Path(sys.argv[2])
    *_, end = run([Count(ModelConfig())], RunOptions(locate(sys.argv[1], out), out, workers=2))
    print(end.record["started"])
"""


def test_the_start_up_of_the_harness(figure, short, tmp_path):
    """From nothing, images to be decoded included, to the first job."""
    folder = synthetic.folder(tmp_path / "images", 142, 5)
    taken = []
    for number in range(1 if short else 3):
        called = time.time()
        command = [sys.executable, "-c", START, str(folder), str(tmp_path / f"out{number}")]
        said = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
        assert said.returncode == 0, said.stderr
        taken.append(float(said.stdout) - called)
    figure("start-up: the harness", taken, unit="s")
