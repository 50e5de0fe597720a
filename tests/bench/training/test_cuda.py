"""Tests that need a GPU: recorded steps train like the same steps one by one, and like those of a CPU."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from running import run

from bench.components.augmentations import AUGMENTATIONS, DRAWS, Batch
from bench.data.image_sets import ResidentImages
from bench.data.source import locate
from bench.data.trial_images import load_splits
from bench.models.network import build
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Timing, Trial
from bench.timing import measurement
from bench.training import checkpoint, step, stopwatch
from bench.training.loop import train
from bench.training.state import State
from bench.training.step import StepMemory

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

MODEL = ModelConfig("document", width=1 / 16)
RECIPE = TrainConfig(learning_rate=1e-3, batch=64, epochs=4, augmentation="none")
TRIAL = Trial(MODEL, RECIPE, DataConfig("made up", 10, train=512), 0, "cuda")
STEPS = 8  # steps per epoch


@pytest.fixture(autouse=True)
def repeatable(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def images(layout):
    side, draws = layout.size + 2 * layout.pad, torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (512, side, side, 3), dtype=torch.uint8, generator=draws)
    return ResidentImages(pixels, torch.arange(512) % 10)


class Training:
    """A trial's network and state; each call trains on the next batch of its only epoch."""

    def __init__(self, trial):
        self.network = build(trial.model, trial.seed).to(trial.device).to(memory_format=torch.channels_last).train()
        self.state, self.batch = State(trial, self.network, 4 * STEPS), trial.recipe.batch
        self.indices, self.draws = self.state.begin(1, 512)
        pixels = ResidentImages(*(part.to(trial.device) for part in images(self.network)))
        self.index, self.draw = self.indices[: self.batch].clone(), self.draws[: self.batch].clone()
        fixed = pixels, self.index, self.draw, self.state.total_loss
        self.step = step.make_step(trial, trial.recipe, self.network, self.state.optimizer, StepMemory(*fixed))
        self.first = 0

    def __call__(self):
        """Perform a training step; return its loss."""
        chosen = slice(self.first, self.first + self.batch)
        self.index.copy_(self.indices[chosen])
        self.draw.copy_(self.draws[chosen])
        self.first = (self.first + self.batch) % 512
        before = self.state.total_loss.item()
        self.step()
        self.state.schedule.step()
        return self.state.total_loss.item() - before


def losses(trial, count=2 * STEPS, **levels):
    training = Training(replace(trial, recipe=replace(trial.recipe, **levels)))
    return [training() for _ in range(count)]


KINDS = {
    "plain": TRIAL,
    "constant rate": replace(TRIAL, recipe=replace(RECIPE, schedule="constant", weight_decay=0.1)),
    "penalty": replace(TRIAL, recipe=replace(RECIPE, activation_penalty=0.1)),
    **{name: replace(TRIAL, model=ModelConfig(name, width=1 / 8)) for name in ("alexnet-32", "four-layer")},
    "pixels": replace(TRIAL, model=replace(MODEL, inputs="pixels", initial="four-layer")),
    "zhang": replace(TRIAL, model=ModelConfig("zhang", width=1 / 8, dropout=0.0)),
    **{name: replace(TRIAL, model=replace(MODEL, normalisation=name)) for name in ("lrn", "batch", "constant")},
    **{name: replace(TRIAL, model=replace(MODEL, activation=name)) for name in ("tanh", "sigmoid")},
    "k-winners": replace(TRIAL, model=replace(MODEL, activation="k-winners", active=0.2)),
    **{name: replace(TRIAL, recipe=replace(RECIPE, augmentation=name)) for name in AUGMENTATIONS if name != "none"},
}
each_kind = pytest.mark.parametrize("trial", KINDS.values(), ids=KINDS)


@each_kind
def test_a_replayed_graph_trains_as_the_same_steps_one_by_one(trial, monkeypatch):
    replayed = losses(trial)
    monkeypatch.setattr(step, "_record_graph", lambda step: step)
    assert replayed == pytest.approx(losses(trial), rel=1e-3)


@each_kind
def test_a_gpu_trains_as_a_cpu_does(trial):
    steady = {"count": STEPS, "schedule": "constant", "learning_rate": 1e-3}
    results = losses(trial, **steady)
    assert results == pytest.approx(losses(replace(trial, device="cpu"), **steady), rel=5e-4)
    assert results != pytest.approx(losses(trial, **steady | {"learning_rate": 1e-9}), rel=5e-3)


def test_bfloat16_trains_nearly_as_float32_does():
    steady = {"count": 3 * STEPS, "schedule": "constant", "learning_rate": 2e-3}
    results = losses(replace(TRIAL, precision="bfloat16"), **steady)
    assert results == pytest.approx(losses(TRIAL, **steady), rel=0.03)
    assert results != pytest.approx(losses(TRIAL, **steady | {"learning_rate": 1e-9}), rel=0.05)


def test_every_replay_draws_dropout_masks_of_its_own():
    still = replace(RECIPE, learning_rate=1e-9, schedule="constant", batch=512)
    training = Training(replace(TRIAL, model=replace(MODEL, dropout=0.5), recipe=still))
    assert len({training() for _ in range(8)}) == 8


def test_a_graph_reads_the_rate_that_the_schedule_sets():
    training = Training(TRIAL)
    for _ in range(6):
        training()
    training.state.schedule.step = lambda: None
    before = [p.detach().clone() for p in training.network.parameters()]
    training.state.optimizer.param_groups[0]["lr"].zero_()
    training()
    assert all(torch.equal(a, b) for a, b in zip(before, training.network.parameters(), strict=True))
    training.state.optimizer.param_groups[0]["lr"].fill_(0.1)
    training()
    assert not any(torch.equal(a, b) for a, b in zip(before, training.network.parameters(), strict=True))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_both_devices_cut_the_same_windows(augmentation):
    layout = build(MODEL, 0)
    canvas, numbers = images(layout).canvas, torch.Generator().manual_seed(2)
    draws = torch.rand(64, DRAWS + 3, generator=numbers)
    batch = Batch(canvas, torch.arange(64), draws, layout.size, layout.pad)
    on_gpu = Batch(canvas.cuda(), batch.index.cuda(), draws.cuda(), layout.size, layout.pad)
    apply = AUGMENTATIONS[augmentation].apply
    cpu_images, gpu_images = apply(batch), apply(on_gpu).cpu()
    close = torch.isclose(cpu_images, gpu_images, atol=1e-4)
    assert close.all() or (
        augmentation in ("resized", "document") and close.float().mean() > 0.98
    )  # rounding may move a window


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return locate("digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def digits(source):
    return replace(TRIAL, recipe=replace(RECIPE, learning_rate=2e-3, epochs=8), data=source.data, precision="bfloat16")


def test_a_trial_on_a_gpu_learns_and_records_the_metrics_of_a_cpu(digits, source, tmp_path):
    metrics_by_device = {}
    for device, precision in (("cuda", "bfloat16"), ("cpu", "float32")):
        trial = replace(digits, device=device, precision=precision)
        assert worker.perform(Task(trial, source, tmp_path, keep_weights=True)) == "finished", store.read(
            tmp_path, trial
        )
        metrics_by_device[device] = store.final_metrics(store.read(tmp_path, trial))
        assert store.weights_file(tmp_path, trial).exists()
    assert set(metrics_by_device["cpu"]) - {"memory/peak_mb"} <= set(metrics_by_device["cuda"])
    assert metrics_by_device["cuda"]["test/accuracy"] == pytest.approx(
        metrics_by_device["cpu"]["test/accuracy"], abs=0.06
    )
    assert metrics_by_device["cuda"]["test/accuracy"] > 0.7


def test_an_interrupted_trial_resumes_from_its_checkpoint(digits, source, tmp_path):
    all_points = list(train(digits, build(digits.model, 0), load_splits(digits, source)))
    due = iter([*[False] * 30, True, *[False] * 10_000])
    points = train(digits, build(digits.model, 0), load_splits(digits, source), checkpoint_due=lambda: next(due))
    saved = next(point["state"] for point in points if "state" in point)
    store.folder(tmp_path).mkdir()
    checkpoint.write(tmp_path, digits, saved)
    resumed_points = list(
        train(digits, build(digits.model, 0), load_splits(digits, source), checkpoint.read(tmp_path, digits))
    )
    assert [point["epoch"] for point in resumed_points] == [
        point["epoch"] for point in all_points if point["epoch"] > 1
    ]
    assert resumed_points[-1]["metrics"]["test/loss"] == pytest.approx(all_points[-1]["metrics"]["test/loss"], rel=0.1)
    assert len(resumed_points[-1]["step_ms"]) >= len(all_points[-1]["step_ms"]) - 2 * (stopwatch.WARM_UP_STEPS + 1)


def test_out_of_memory_is_recorded_and_the_next_trial_runs(digits, source, tmp_path):
    torch.cuda.empty_cache()
    try:
        torch.cuda.set_per_process_memory_fraction(1e-3)
        large = replace(digits, model=ModelConfig(width=1.0))
        assert worker.perform(Task(large, source, tmp_path, keep_weights=False)) == "out of memory"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert worker.perform(Task(digits, source, tmp_path, keep_weights=False)) == "finished"


def test_a_trial_takes_no_more_memory_for_those_before_it(digits, source, tmp_path):
    peaks = []
    for seed in range(4):
        trial = replace(digits, seed=seed)
        worker.perform(Task(trial, source, tmp_path, keep_weights=False))
        peaks.append(store.final_metrics(store.read(tmp_path, trial))["memory/peak_mb"])
    assert max(peaks[1:]) - min(peaks[1:]) < 1


def test_a_worker_whose_gpu_failed_is_replaced(digits, source, tmp_path):
    # Labels beyond the outputs raise an assertion on the device
    bad_trial = replace(digits, model=replace(MODEL, classes=2))
    jobs = [bad_trial, digits, replace(digits, seed=1)]
    list(run(jobs, source, tmp_path, workers=2))
    assert [store.read(tmp_path, job)["status"] for job in jobs] == ["failed", "finished", "finished"]
    assert "CUDA error" in store.read(tmp_path, bad_trial)["reason"]


@pytest.mark.parametrize("subject, sizes", [("activations", (1024, 2**20)), ("steps", (64,)), ("layers", (1, 64))])
def test_timings_are_positive_and_whole(subject, sizes):
    arms = tuple((name, ModelConfig(width=1 / 16, activation=name)) for name in ("relu", "tanh"))
    results = measurement.measure(Timing(subject, arms, sizes, 5, "cuda", "bfloat16"))
    assert len({(s["arm"], s["metric"], s["pair"]) for s in results["samples"]}) == len(results["samples"]) > 0
    assert np.all([s["value"] > 0 for s in results["samples"]])
    json.dumps(results, allow_nan=False)
