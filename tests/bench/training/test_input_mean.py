from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.components.layouts import LAYOUTS
from bench.data.trial_images import load_splits
from bench.metrics.accuracy import evaluate
from bench.models.network import build
from bench.probes.answering import load_network
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.process_group import ProcessGroup
from bench.training import input_mean
from bench.training.input_mean import store_mean
from bench.training.loop import train

MODEL = ModelConfig("document", width=1 / 16, inputs="pixels", initial="four-layer")
SAMPLE = 500  # number of images that are evaluated before the last epoch
RECIPE = TrainConfig(epochs=1, share=0.48)


@pytest.fixture
def trial(digits):
    return Trial(MODEL, RECIPE, digits.data, 0)


def mean_of_pixels(images, layout):
    edge = (images.canvas.shape[1] - LAYOUTS[layout].size) // 2
    middle = images.canvas.numpy()[:, edge : images.canvas.shape[1] - edge, edge : images.canvas.shape[2] - edge]
    return middle.astype(float).mean((0, 1, 2))


@pytest.mark.parametrize("layout", ["document", "zhang"])
def test_the_mean_is_that_of_the_trials_own_training_images(trial, digits, layout):
    trial = replace(trial, model=replace(MODEL, layout=layout))
    network, splits = build(trial.model, 0), load_splits(trial, digits)
    list(train(trial, network, splits))
    expected = mean_of_pixels(splits.train, layout)
    np.testing.assert_allclose(network.module.layers.inputs.mean.flatten(), expected, rtol=1e-6)
    whole = load_splits(replace(trial, recipe=replace(RECIPE, share=1.0)), digits)
    assert not np.allclose(mean_of_pixels(whole.train, layout), expected, rtol=1e-4)


def test_the_mean_is_known_before_the_first_evaluation(trial, digits):
    network, splits = build(MODEL, 0), load_splits(trial, digits)
    address = network.module.layers.inputs.mean.data_ptr()
    store_mean(network, splits.train)
    assert network.module.layers.inputs.mean.data_ptr() == address  # from which a recorded step reads it
    accuracy, loss = evaluate(network, splits.test.first(SAMPLE))
    start = next(train(trial, build(MODEL, 0), splits))["metrics"]
    assert (start["test/accuracy"], start["test/loss"]) == (accuracy, loss)


def test_a_probe_sees_the_mean_that_the_trial_measured(trial, digits, tmp_path):
    store.folder(tmp_path).mkdir()
    assert worker.perform(Task(trial, digits, tmp_path, keep_weights=True)) == "finished"
    network, splits = load_network(trial, tmp_path), load_splits(trial, digits)
    np.testing.assert_allclose(
        network.module.layers.inputs.mean.flatten(), mean_of_pixels(splits.train, "document"), 1e-6
    )
    accuracy = store.final_metrics(store.read(tmp_path, trial))["test/accuracy"]
    assert evaluate(network, splits.test)[0] == accuracy


def test_the_processes_of_a_group_sum_up_to_the_same_mean(trial, digits, monkeypatch):
    network, train_images = build(MODEL, 0), load_splits(trial, digits).train
    store_mean(network, train_images)
    totals = []
    monkeypatch.setattr(ProcessGroup, "sum", lambda group, value: totals.append(value) or value)
    for rank in range(3):
        store_mean(build(MODEL, 0), train_images, ProcessGroup(rank, 3))
    pixels = len(train_images.labels) * 32**2
    assert torch.equal(network.module.layers.inputs.mean.flatten(), (sum(totals).double() / pixels).float())


def test_a_network_with_scaled_inputs_reads_no_images():
    assert input_mean.store_mean(build(replace(MODEL, inputs="scaled"), 0), images_that_raise()) is None


def images_that_raise():
    class Images:
        def first(self, count):
            return self

        def __getattr__(self, name):
            raise AssertionError("it was read")

    return Images()
