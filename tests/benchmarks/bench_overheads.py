"""Time of everything but training: metrics, publishing, progress, pauses between trials, start of a worker."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import synthetic
from machine import run_alone, time_in_turns
from rich.console import Console

from bench.data.source import Source
from bench.data.trial_images import load_splits
from bench.metrics.accuracy import evaluate
from bench.metrics.sparsity import sparsity, watch_activations
from bench.models.network import build
from bench.records import store
from bench.runner import estimate
from bench.runner.pending import select_kept_trials
from bench.runner.scheduler import run
from bench.runner.task import RunOptions
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE
from bench.tracking.retry_queue import RetryQueue
from commands.progress import Display, RunProgress

MODELS = {
    "the document": ModelConfig("document", dropout=0.5, width=0.25),
    "Zhang": ModelConfig("zhang", dropout=0.5, width=0.5, normalisation="lrn"),
}


def trial(network: str, source: Source, seed: int, short: bool) -> Trial:
    """A trial of profile `quick`: 4,000 images, 16 epochs."""
    recipe = (
        TrainConfig(augmentation="both", epochs=1, share=0.1)
        if short
        else TrainConfig(augmentation="both", epochs=16, share=4_000 / source.data.train)
    )
    return Trial(MODELS[network], recipe, source.data, seed)


def noise(out: Path, short: bool) -> Source:
    return synthetic.source(out, *((500, 100) if short else (50_000, 10_000)))


def run_as_the_command_does(jobs: list[Trial], source: Source, out: Path) -> tuple[float, np.ndarray]:
    """Run jobs with one worker, a drawn terminal and MLflow in a SQLite file, as the command does.

    Returns:
        The Unix time of the start, and the parent's processor seconds for each trial, shape (trials, 2): publishing,
        and everything else.
    """
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    queue = RetryQueue(out, "quick", lambda text: None)
    started, previous_end, spent_s = time.time(), time.process_time(), []
    titles, expected_jobs = {job: str(job.seed) for job in jobs}, dict.fromkeys(jobs)
    agenda = SimpleNamespace(
        titles=titles, purposes={}, total=len(jobs), expected_jobs=expected_jobs, wave=1, has_open_looks=False
    )
    display = Display(console, RunProgress(agenda, estimate.DurationModel(0, 0), 1))
    options = RunOptions(source, out, 1, select_kept_trials(jobs, jobs).__contains__)
    with display.screen:
        for event in run(jobs, replace(options, follow_up=lambda job: expected_jobs.pop(job, None))):
            display.show(event)
            if event.record is not None:
                start = time.process_time()
                queue.publish(event.record, {})
                end = time.process_time()
                spent_s.append((end - start, start - previous_end))
                previous_end = end
    return started, np.array(spent_s)


def evaluation_with_and_without_sparsity(job: Trial, source: Source, rounds: int) -> dict[str, np.ndarray]:
    network, test = build(job.model, 0), load_splits(job, source).test

    def watched() -> None:
        with watch_activations(network) as sums:
            evaluate(network, test)
        sparsity(sums, SINGLE)

    return time_in_turns({"with": watched, "without": lambda: evaluate(network, test)}, rounds)


def durations_s(records: Iterable[dict[str, Any]]) -> np.ndarray:
    return np.array([record["ended"] - record["started"] for record in records])


def test_overheads_of_a_trial(figure, short, tmp_path):
    source = noise(tmp_path, short)
    jobs = [trial("the document", source, seed, short) for seed in range(2 if short else 4)]
    started, spent_s = run_as_the_command_does(jobs, source, tmp_path)
    records: list[dict[str, Any]] = sorted(store.read_all(tmp_path), key=lambda record: record["started"])
    publishing, scheduling = (spent_s / durations_s(records)[:, None]).T
    pauses_s = [after["started"] - before["ended"] for before, after in itertools.pairwise(records)]
    figure("publishing / trial", publishing, 0.02, is_upper_limit=True, unit="%")
    figure("progress and scheduling / trial", scheduling, unit="%")
    figure("pause between two trials of a worker", pauses_s, 0.2, is_upper_limit=True, unit="s")
    figure("start of the first worker", [records[0]["started"] - started], unit="s")


@pytest.mark.parametrize("network", MODELS)
def test_sparsity_metrics_against_a_trial(figure, short, tmp_path, network):
    source = noise(tmp_path, short)
    job = trial(network, source, 0, short)
    assert [event.kind for event in run([job], RunOptions(source, tmp_path, 1, [job].__contains__))][-1] == "done"
    times_ms = run_alone(evaluation_with_and_without_sparsity, job, source, 1 if short else 9)
    sparsity_s = (times_ms["with"] - times_ms["without"]) / 1e3  # at the end of a trial; at its start of a sample
    share = sparsity_s / durations_s(store.read_all(tmp_path))
    figure(f"sparsity metrics / trial, {network}'s network", share, 0.03, is_upper_limit=True, unit="%")
