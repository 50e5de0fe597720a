"""Whole trials in bfloat16 and in float32, evaluation included, in turns."""

from __future__ import annotations

from pathlib import Path

import pytest
import synthetic

from bench.data.source import Source
from bench.records import store
from bench.runner.scheduler import run
from bench.runner.task import RunOptions
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.devices import choose_precision, worker_count

NETWORKS = {
    "full width": (ModelConfig("document", dropout=0.5), 2, 1.5),
    "quarter width": (ModelConfig("document", dropout=0.5, width=1 / 4), 16, 1.35),
    "Zhang's at half": (ModelConfig("zhang", dropout=0.5, width=1 / 2), 8, 1.5),
    "Zhang's with LRN": (ModelConfig("zhang", dropout=0.5, width=1 / 2, normalisation="lrn"), 8, 1.5),
}


def run_trials(model: ModelConfig, recipe: TrainConfig, source: Source, out: Path, precision: str) -> float:
    """Return the mean seconds of one trial per worker, which run at the same time."""
    jobs = [Trial(model, recipe, source.data, seed, precision=precision) for seed in range(worker_count("cpu"))]
    out.mkdir()
    for event in run(jobs, RunOptions(source, out, len(jobs))):
        assert event.kind != "failed", event.record
    seconds = [record["ended"] - record["started"] for record in store.read_all(out)]
    return sum(seconds) / len(seconds)


@pytest.mark.parametrize("name", NETWORKS)
def test_trials_in_bfloat16_against_float32(figure, short, tmp_path, name):
    if choose_precision("auto", "cpu") == "float32":
        pytest.skip("this processor has no units for bfloat16")
    model, epochs, goal = NETWORKS[name]
    source = synthetic.source(tmp_path, *((500, 100) if short else (2_200, 1_000)))
    recipe, speed_ups = TrainConfig(augmentation="both", epochs=1 if short else epochs), []
    for number in range(1 if short else 5):
        bfloat16_s, float32_s = (
            run_trials(model, recipe, source, tmp_path / f"{precision}-{number}", precision)
            for precision in ("bfloat16", "float32")
        )
        speed_ups.append(float32_s / bfloat16_s)
    figure(f"trials, {name}: bfloat16 / float32", speed_ups, goal)
