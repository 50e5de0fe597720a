import itertools
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.data.trial_images import load_splits
from bench.models.network import build
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.training import checkpoint
from bench.training.loop import train

TIMED = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")
SMALL = ModelConfig("document", width=1 / 16, dropout=0.5)
BRIEF = TrainConfig(epochs=4, share=0.48, augmentation="both")
TRIALS = {
    "dropout and crops": (SMALL, BRIEF),
    "batch normalisation": (replace(SMALL, normalisation="batch"), BRIEF),
    "Zhang's, constant rate, shuffled": (
        replace(SMALL, layout="zhang", normalisation="lrn"),
        replace(BRIEF, schedule="constant", labels="shuffled", augmentation="document"),
    ),
    "penalty and decay": (
        replace(SMALL, activation="tanh"),
        replace(BRIEF, activation_penalty=0.1, weight_decay=1e-3),
    ),
    "pixels, evaluated after every epoch": (
        replace(SMALL, inputs="pixels", initial="four-layer"),
        replace(BRIEF, until_error=1e-9),
    ),
}
STEPS = 3  # steps per epoch


@pytest.fixture(autouse=True)
def trials_folder(tmp_path):
    """Make the folder of the trials, as a run does before its workers start."""
    store.folder(tmp_path).mkdir()


def timeless(point):
    metrics = {name: value for name, value in point["metrics"].items() if name not in TIMED}
    return {"step": point["step"], "epoch": point["epoch"], "metrics": metrics}


def trained(trial, source, saved=None, due=lambda: False):
    """Train; return the points without times, the weights, and the yielded states."""
    network = build(trial.model, trial.seed)
    outputs = list(train(trial, network, load_splits(trial, source), saved, due))
    points = [timeless(point) for point in outputs if "state" not in point]
    return points, network.state_dict()


def interrupted(trial, source, after, out):
    """Train until the trial is interrupted after some steps, with a checkpoint on disk; return the points."""
    steps, points = itertools.count(1), []
    for point in train(
        trial, build(trial.model, trial.seed), load_splits(trial, source), checkpoint_due=lambda: next(steps) == after
    ):
        if "state" in point:
            checkpoint.write(out, trial, point["state"])
            return points
        points.append(timeless(point))
    raise AssertionError("it ended before")


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize("after", [1, 2, STEPS, STEPS + 1, 2 * STEPS, 4 * STEPS - 1, 4 * STEPS])
def test_a_trial_resumed_from_a_checkpoint_ends_like_an_uninterrupted_one(digits, tmp_path, name, after):
    trial = Trial(*TRIALS[name], digits.data, 3)
    points, weights = trained(trial, digits)
    before = interrupted(trial, digits, after, tmp_path)
    torch.manual_seed(99)  # another process has another state of the generator
    resumed_points, ended = trained(trial, digits, checkpoint.read(tmp_path, trial))
    assert before + resumed_points == points
    assert len(points) == 5
    assert all(torch.equal(ended[name], weights[name]) for name in weights)


@pytest.mark.parametrize("after", [1, STEPS, 2 * STEPS - 1, 2 * STEPS])
def test_a_trial_that_ends_at_an_error_does_so_wherever_it_was_resumed(digits, tmp_path, after):
    recipe = replace(BRIEF, until_error=0.75, schedule="constant", learning_rate=1e-3)  # reached in the second epoch
    trial = Trial(replace(SMALL, dropout=0.0), recipe, digits.data, 3)
    points, weights = trained(trial, digits)
    assert [point["epoch"] for point in points] == [0, 1, 2]
    before = interrupted(trial, digits, after, tmp_path)
    resumed_points, ended = trained(trial, digits, checkpoint.read(tmp_path, trial))
    assert before + resumed_points == points
    assert all(torch.equal(ended[name], weights[name]) for name in weights)


def test_checkpoint_due_is_called_after_each_step(digits):
    calls = []
    trained(Trial(*TRIALS["dropout and crops"], digits.data, 0), digits, due=lambda: calls.append(1))
    assert len(calls) == 4 * STEPS


def test_a_checkpoint_keeps_the_times_of_the_steps_before(digits, tmp_path):
    trial = Trial(*TRIALS["dropout and crops"], digits.data, 0)
    interrupted(trial, digits, 8, tmp_path)
    saved = checkpoint.read(tmp_path, trial)
    assert len(saved["step_ms"]) == 8 - 3  # without the warm-up steps
    *_, last = train(trial, build(trial.model, 0), load_splits(trial, digits), saved)
    assert last["step_ms"][:5] == saved["step_ms"]


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", "half"])
def test_a_damaged_checkpoint_counts_as_none_and_is_removed(digits, tmp_path, damage):
    trial = Trial(*TRIALS["dropout and crops"], digits.data, 0)
    interrupted(trial, digits, 1, tmp_path)
    file = checkpoint.path(tmp_path, trial)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "half" else damage)
    assert checkpoint.read(tmp_path, trial) is None
    assert not file.exists()


def test_code_in_a_checkpoint_is_never_run(digits, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    trial = Trial(*TRIALS["dropout and crops"], digits.data, 0)
    file = checkpoint.path(tmp_path, trial)
    torch.save({"network": Hostile()}, file)
    assert checkpoint.read(tmp_path, trial) is None
    assert not (tmp_path / "harm").exists()


def test_a_checkpoint_that_is_a_pipe_or_a_device_counts_as_none_and_is_removed(digits, tmp_path):
    trial = Trial(*TRIALS["dropout and crops"], digits.data, 0)
    file = checkpoint.path(tmp_path, trial)
    for make in (os.mkfifo, lambda link: link.symlink_to("/dev/zero")):
        make(file)
        assert checkpoint.read(tmp_path, trial) is None
        assert not os.path.lexists(file)


def test_an_interval_timer_is_due_once_per_interval(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    due = checkpoint.interval_timer(60)
    outputs = []
    for now[0] in (100, 159, 160, 161, 219, 221):
        outputs.append(due())
    assert outputs == [False, False, True, False, False, True]


def test_a_checkpoint_is_restored_and_a_new_one_replaces_it(digits, tmp_path):
    trial = Trial(*TRIALS["dropout and crops"], digits.data, 0)
    assert checkpoint.read(tmp_path, trial) is None
    for step in (1, 2):
        checkpoint.write(tmp_path, trial, {"weights": torch.arange(3.0), "step": step, "points": [{"a": 0.1}]})
    saved = checkpoint.read(tmp_path, trial)
    assert torch.equal(saved.pop("weights"), torch.arange(3.0))
    assert saved == {"step": 2, "points": [{"a": 0.1}]}
    assert list(tmp_path.rglob("*.*")) == [store.path(tmp_path, trial).with_suffix(".checkpoint")]


@pytest.mark.parametrize("variables, seconds", [({}, 60), ({"ABLATE_CHECKPOINT_SECONDS": "2.5"}, 2.5)])
def test_a_minute_lies_between_checkpoints_unless_the_environment_sets_another_time(environment, variables, seconds):
    code = (
        "from bench.training import checkpoint; print(checkpoint.INTERVAL_S, *checkpoint.interval_timer.__defaults__)"
    )
    options = {"cwd": Path(__file__).parents[3], "env": environment | variables}
    process = subprocess.run([sys.executable, "-c", code], **options, capture_output=True, text=True, check=True)
    assert process.stdout.split() == [str(float(seconds))] * 2


# The environment in which a trial started

HERE = {"commit": "a", "torch": "2.14.0", "device_name": "a processor", "threads": 1}
TRIAL = Trial(*TRIALS["dropout and crops"], DataConfig("0123456789abcdef", 10, train=1_000), 0)


def left(out, **changed):
    checkpoint.write(out, TRIAL, {"points": [], "origin": {"started": 5.0, "environment": {**HERE, **changed}}})


def test_a_resumed_trial_keeps_the_start_of_its_first_process(tmp_path):
    left(tmp_path)
    state, origin = checkpoint.resume(tmp_path, TRIAL, HERE)
    assert state["points"] == [] and origin == {"started": 5.0, "environment": HERE}


def test_a_trial_resumed_under_other_commits_names_each_once(tmp_path):
    left(tmp_path, commit="a, b")
    for commit, commits in (("c", "a, b, c"), ("b", "a, b")):
        state, origin = checkpoint.resume(tmp_path, TRIAL, {**HERE, "commit": commit})
        assert state is not None and origin["environment"] == {**HERE, "commit": commits}


@pytest.mark.parametrize("changed", [{"torch": "2.9.0"}, {"device_name": "another"}], ids=str)
def test_a_trial_starts_again_where_another_environment_began_it(tmp_path, changed):
    left(tmp_path, **changed)
    before = time.time()
    state, origin = checkpoint.resume(tmp_path, TRIAL, HERE)
    assert state is None and origin["environment"] == HERE and origin["started"] >= before


def test_a_checkpoint_without_an_environment_counts_as_none(tmp_path):
    checkpoint.write(tmp_path, TRIAL, {"points": []})
    assert checkpoint.resume(tmp_path, TRIAL, HERE)[0] is None


@pytest.mark.parametrize("error", [MemoryError, PermissionError])
def test_a_checkpoint_that_an_unrelated_error_keeps_from_being_read_is_kept(tmp_path, monkeypatch, error):
    left(tmp_path)

    def load(*_, **__):
        raise error

    monkeypatch.setattr("torch.load", load)
    with pytest.raises(error):
        checkpoint.read(tmp_path, TRIAL)
    assert checkpoint.path(tmp_path, TRIAL).exists()
