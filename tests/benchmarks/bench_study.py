"""A study of four equal trials, from the first step to the last result, by the harness and by its peers, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import synthetic
from peers import BATCH, PEERS, RATE, SAMPLE, Work

from bench import records
from bench.data import Source, locate
from bench.devices import workers
from bench.run import run
from bench.spec import Model, Recipe, Trial

TRIALS = 4
Did = dict[str, float]


def by_the_harness(work: Work, source: Source, out: Path) -> Did:
    """What the harness did, as its records tell."""
    recipe = Recipe(RATE, "constant", batch=BATCH, epochs=work.epochs, augmentation="document")
    jobs = [Trial(Model(width=work.width), recipe, source.data, seed) for seed in range(work.trials)]
    called = time.time()
    for event in run(jobs, source, out, workers("cpu")):
        assert event.what != "failed", event.reason
    found = records.read_all(out)
    start, end = min(record["started"] for record in found), max(record["ended"] for record in found)
    everything = source.data.train + source.validation + source.test
    sampled = min(SAMPLE, source.data.train) + min(SAMPLE, source.validation)
    return {
        "trained": BATCH * sum(record["points"][-1]["step"] for record in found),
        "evaluated": sum(2 * everything + (len(record["points"]) - 2) * sampled for record in found),
        "seconds": end - start,
        "start-up": start - called,
    }


def by_a_peer(peer: str, work: Work) -> Did:
    called = time.time()
    script = Path(__file__).with_name("peers.py")
    command = [sys.executable, str(script), peer, json.dumps(work._asdict())]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    did = json.loads(said.stdout.splitlines()[-1])
    return {**did, "start-up": time.time() - called - did["seconds"]}


@pytest.mark.parametrize(
    "name, width, images, rounds, goal", [("full", 1.0, 71, 3, 1.9), ("quarter", 0.25, 284, 5, 4.5)]
)
def test_a_study_against_its_peers(figure, short, tmp_path, name, width, images, rounds, goal):
    images, rounds, width = (15, 1, 1 / 16) if short else (images, rounds, width)
    folder = synthetic.folder(tmp_path / "images", images, 20)
    source = locate(str(folder), tmp_path / "out")
    work = Work(str(folder), width, source.data.train, 1 if short else 2, TRIALS)
    found: dict[str, list[Did]] = {"the harness": [], **{peer: [] for peer in PEERS}}
    for number in range(rounds):
        found["the harness"].append(by_the_harness(work, source, tmp_path / f"round{number}"))
        for peer in PEERS:
            found[peer].append(by_a_peer(peer, work))
            for what in ("trained", "evaluated"):
                assert found[peer][-1][what] == found["the harness"][-1][what], (peer, what)
    rates = {who: [did["trained"] / did["seconds"] for did in every] for who, every in found.items()}
    figure(f"the harness, {name} width, images trained on", rates["the harness"], unit="images/s")
    for peer in PEERS:
        ratios = [ours / theirs for ours, theirs in zip(rates["the harness"], rates[peer], strict=True)]
        figure(f"study, {name} width: the harness / {peer}", ratios, goal if peer == "the document's way" else 1.0)
    for who, every in found.items():
        figure(f"start-up, {name} width: {who}", [did["start-up"] for did in every], unit="s")
