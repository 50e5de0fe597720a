"""What is not training: measures, publishing, progress, the pause between two trials, the start of a worker."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from machine import alone, paired
from rich.console import Console

from bench.data.source import Source
from bench.data.trial_images import load_splits
from bench.metrics.accuracy import evaluate
from bench.metrics.sparsity import sparsity, watch_activations
from bench.models.alexnet import build
from bench.records import store
from bench.runner import estimate
from bench.runner.pending import select_kept_trials
from bench.runner.scheduler import RunOptions, run
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE
from bench.tracking.retry_queue import RetryQueue
from commands.progress import Display

MODELS = {"the document": ModelConfig(width=0.25), "Zhang": ModelConfig("zhang", width=0.5, normalisation="lrn")}


def trial(network: str, source: Source, seed: int, short: bool) -> Trial:
    """As the profile `quick` has it: 4,000 images, 16 epochs."""
    recipe = TrainConfig(epochs=1, share=0.1) if short else TrainConfig(epochs=16, share=4_000 / source.data.train)
    return Trial(MODELS[network], recipe, source.data, seed)


def noise(out: Path, short: bool) -> Source:
    return synthetic.source(out, *((500, 100) if short else (50_000, 10_000)))


def run_as_the_command_does(jobs: list[Trial], source: Source, out: Path) -> tuple[float, np.ndarray]:
    """One worker; a terminal that is drawn; a SQLite file of MLflow. Returns when it began, and for each trial the
    parent's processor time in seconds: for publishing, and for the rest."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    queue = RetryQueue(out, "quick", lambda text: None)
    began, rest, spent = time.time(), time.process_time(), []
    display = Display(console, list(jobs), {job: str(job.seed) for job in jobs}, estimate.DurationModel(0, 0), 1)
    with display.screen:
        for event in run(jobs, RunOptions(source, out, 1, select_kept_trials(jobs, jobs))):
            display.show(event)
            if event.record is not None:
                start = time.process_time()
                queue.publish(event.record, {})
                end = time.process_time()
                spent.append((end - start, start - rest))
                rest = end
    return began, np.array(spent)


def evaluation_with_measures_and_without(job: Trial, source: Source, rounds: int) -> dict[str, np.ndarray]:
    network, test = build(job.model, 0), load_splits(job, source).test

    def watched() -> None:
        with watch_activations(network) as sums:
            evaluate(network, test)
        sparsity(sums, SINGLE)

    return paired({"with": watched, "without": lambda: evaluate(network, test)}, rounds)


def seconds(found: Iterable[dict[str, Any]]) -> np.ndarray:
    return np.array([record["ended"] - record["started"] for record in found])


def test_overheads_of_a_trial(figure, short, tmp_path):
    source = noise(tmp_path, short)
    jobs = [trial("the document", source, seed, short) for seed in range(2 if short else 4)]
    began, spent = run_as_the_command_does(jobs, source, tmp_path)
    found: list[dict[str, Any]] = sorted(store.read_all(tmp_path), key=lambda record: record["started"])
    publishing, rest = (spent / seconds(found)[:, None]).T
    pauses = [after["started"] - before["ended"] for before, after in itertools.pairwise(found)]
    figure("publishing / trial", publishing, 0.02, most=True, unit="%")
    figure("progress and scheduling / trial", rest, unit="%")
    figure("pause between two trials of a worker", pauses, 0.2, most=True, unit="s")
    figure("start of the first worker", [found[0]["started"] - began], unit="s")


@pytest.mark.parametrize("network", MODELS)
def test_measures_against_a_trial(figure, short, tmp_path, network):
    source = noise(tmp_path, short)
    job = trial(network, source, 0, short)
    assert [event.kind for event in run([job], RunOptions(source, tmp_path, 1, [job]))][-1] == "done"
    times = alone(evaluation_with_measures_and_without, job, source, 1 if short else 9)
    twice = 2 * (times["with"] - times["without"]) / 1e3  # at the start and at the end of a trial
    share = twice / seconds(store.read_all(tmp_path))
    figure(f"measures / trial, {network}'s network", share, 0.03, most=True, unit="%")
