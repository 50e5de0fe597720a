"""Trials, and a whole study, on photographs."""

import json
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import TenCrop
from torchvision.transforms.functional import to_tensor

from bench.data.trial_images import load_splits
from bench.metrics.accuracy import evaluate_crops
from bench.models.network import build
from bench.records import store
from bench.training.loop import train


@pytest.mark.parametrize("layout", ["ungrouped", "two-group", "torchvision", "caffenet-128"])
def test_every_layout_for_photographs_trains_on_them(source, trial, layout):
    layout_trial = replace(
        trial, model=replace(trial.model, layout=layout, width=1 / 32), recipe=replace(trial.recipe, epochs=1)
    )
    *_, last = train(layout_trial, build(layout_trial.model, 0), load_splits(layout_trial, source))
    assert np.isfinite(last["metrics"]["test/loss"]) and "diverged" not in last
    assert {"test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"} <= last["metrics"].keys()


def test_a_trial_that_was_stopped_within_an_epoch_ends_with_the_same_bits(source, trial):
    def run(saved=None, due=lambda: False):
        network = build(trial.model, 0)
        return train(trial, network, load_splits(trial, source), saved, due), network

    (points, network), answers = run(), iter([False, True])
    *_, whole_point = points
    (points, resumed_network) = run(
        next(point["state"] for point in run(due=lambda: next(answers))[0] if "state" in point)
    )
    *_, resumed_point = points
    assert resumed_point["metrics"]["test/loss"] == whole_point["metrics"]["test/loss"]
    assert all(map(torch.equal, network.parameters(), resumed_network.parameters()))


def test_ten_crops_equal_torchvisions_and_their_mean_is_evaluated(source, trial):
    network = build(trial.model, 3)
    test = load_splits(trial, source).test
    hits = np.zeros(3)
    network.eval()
    with torch.no_grad():
        for place in range(12):
            picture = Image.fromarray(test.squares[place].numpy())
            crops = torch.stack([to_tensor(crop) * 2 - 1 for crop in TenCrop(128)(picture)])
            probabilities = network(crops).softmax(1)
            centre, mean = probabilities[4], probabilities.mean(0)  # torchvision's fifth crop is the centre
            label = test.labels[place]
            hits += [label in centre.topk(5).indices, mean.argmax() == label, label in mean.topk(5).indices]
    metrics = evaluate_crops(network, test)
    assert list(metrics) == ["test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"]
    assert list(metrics.values()) == pytest.approx(list(hits / 12))


def test_a_study_on_photographs_runs_and_is_reported(ablate, folder, tmp_path):
    (tmp_path / "bite.py").write_text(
        """
from ablations import Ask, Claim, Contrast, Study

STUDY = Study(
    question="Is tanh as good on photographs?",
    arms={"relu": {}, "tanh": {"activation": "tanh"}},
    probes=(Ask("activity", ("relu",)),),
    claims=(
        Claim(
            "tanh-top5",
            "Tanh gets more photographs right among five",
            (Contrast("test/ten_crop/top5", "tanh", "relu", margin=1),),
        ),
    ),
)
"""
    )
    words = ("--profile", "imagenet-smoke", "--seeds", 1, "--device", "cpu", "--out", tmp_path / "out")
    process = ablate("run", tmp_path / "bite.py", "--data", folder, *words)
    assert process.returncode == 0, process.stdout + process.stderr
    page = (tmp_path / "out/reports/report.html").read_text(encoding="utf-8")
    assert "Test accuracy, top 5" in page
    assert "caffenet-128" in process.stdout + json.dumps([r["job"] for r in store.read_all(tmp_path / "out")])
    names = {metric for (metric,) in sqlite3.connect(tmp_path / "out/mlflow.db").execute("select key from metrics")}
    assert {"test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"} <= names
