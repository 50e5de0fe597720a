"""Every name in a job is checked before anything trains."""

import dataclasses

import pytest
from torch import nn

from bench.components.networks import NETWORKS, DeclaredNetwork, Factor
from bench.runner.job_check import check_job, find_equal_arms
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial

DATA = DataConfig("0123456789abcdef", classes=10, train=100)
TRIAL = Trial(ModelConfig(), TrainConfig(), DATA, 0)
FOUR_LAYER = Trial(ModelConfig("four-layer"), TrainConfig(), DATA, 0)
ODD = ModelConfig(activation="gelu")
LEVELS = "activation is 'gelu'; it can be relu, tanh, sigmoid, k-winners"
QUESTIONS = "a probe's question is 'why'; it can be competition, sub-networks, averages, co-adaptation, activity"
SUBJECTS = "a timing's subject is 'epochs'; it can be activations, steps, layers"


@pytest.mark.parametrize(
    "job, message",
    [
        (Trial(ODD, TrainConfig(), DATA, 0), LEVELS),
        (
            Trial(ModelConfig(), TrainConfig(optimiser="adagrad"), DATA, 0),
            "optimiser is 'adagrad'; it can be adam, sgd",
        ),
        (Count(ODD), LEVELS),
        (Timing("steps", (("odd", ODD),), (8,), 3), LEVELS),
        (Timing("epochs", (("relu", ModelConfig()),), (8,), 3), SUBJECTS),
        (Timing("activations", (("k", ModelConfig(activation="k-winners")),), (8,), 3), "no elementwise kernel"),
        (Probe("why", (TRIAL,)), QUESTIONS),
        (Probe("activity", (Trial(ODD, TrainConfig(), DATA, 0),)), LEVELS),
        (Probe("sub-networks", (TRIAL,)), "a network without dropout has no sub-networks"),
        (Probe("averages", (TRIAL,)), "a network without dropout has no sub-networks"),
        (Probe("co-adaptation", (FOUR_LAYER,)), "layout four-layer has no hidden fully connected layer"),
    ],
    ids=str,
)
def test_a_job_that_nothing_can_measure_is_refused_in_one_line(job, message):
    with pytest.raises(InputError) as refusal:
        check_job(job)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("job", [TRIAL, Count(ModelConfig()), Probe("activity", (TRIAL, FOUR_LAYER))], ids=str)
def test_a_job_of_known_names_passes(job):
    check_job(job)


def test_arms_whose_networks_compute_the_same_are_found(monkeypatch):
    def build(classes, units, unused):
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16, units), nn.Linear(units, classes))

    factors = {"units": Factor(4), "unused": Factor(False)}
    name = "small@0123456789abcdef"
    monkeypatch.setitem(NETWORKS, name, DeclaredNetwork(build, factors, size=4, pad=0))

    def trial(units, unused, **recipe):
        model = ModelConfig(network=name, factors=(("units", units), ("unused", unused)))
        return dataclasses.replace(TRIAL, model=model, recipe=TrainConfig(**recipe))

    arms = {"4": trial(4, False), "again": trial(4, False), "5": trial(5, False), "brief": trial(4, True, epochs=2)}
    assert find_equal_arms(arms) is None
    assert find_equal_arms({**arms, "unused": trial(4, True)}) == ("4", "unused")
    assert find_equal_arms({"a": TRIAL, "b": FOUR_LAYER}) is None
