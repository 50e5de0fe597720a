"""Changes of an arm, from networks as `bench.models.complexity` counts them."""

import dataclasses

import pytest

from ablations import Claim, Contrast, Study
from bench.models.complexity import count_network
from bench.spec.config import ModelConfig, TrainConfig
from reports.sections.changes import ARROW, confounded_aspects, list_changes, list_comparisons
from reports.text.formatting import TIMES

ZHANG = {"layout": "zhang", "normalisation": "lrn", "dropout": 0.0, "width": 0.5}
DOCUMENT = {"width": 1 / 4}


def record(recipe=None, **model):
    job = {"model": {}, "recipe": dataclasses.asdict(recipe or TrainConfig()), "device": "cpu", "precision": "float32"}
    return {"network": count_network(ModelConfig(**model)), "job": job}


def changes_of(baseline, **levels):
    return list_changes(record(**baseline, **levels), record(**baseline))


def test_nothing_differs_from_itself():
    assert changes_of(DOCUMENT) == {}


def test_a_change_of_activation_is_listed_once_and_includes_its_gain():
    changes = changes_of(DOCUMENT, activation="tanh")
    layers = "conv1, conv2, conv3, conv4, conv5, fc6, fc7"
    assert changes == {"gain": f"1.41 {ARROW} 1.67 ({layers})", "activation": f"ReLU {ARROW} Tanh (throughout)"}
    assert confounded_aspects(record(**DOCUMENT, activation="tanh"), record(**DOCUMENT)) == []


def test_batch_normalisation_changes_the_normalisation_and_nothing_else():
    changes = changes_of(DOCUMENT, normalisation="batch")
    assert list(changes) == ["normalisation", "parameters"]
    assert changes["normalisation"] == (
        f"none {ARROW} BatchNorm2d (conv1, conv2, conv3, conv4, conv5); none {ARROW} BatchNorm1d (fc6, fc7)"
    )
    assert confounded_aspects(record(**DOCUMENT, normalisation="batch"), record(**DOCUMENT)) == []


def test_layers_that_the_arm_alone_has_are_described_with_what_follows_them():
    pair = changes_of(ZHANG, kernel="pair")["depth"].replace(TIMES, "x")
    assert "conv1a (32x3x3x3, gain 1.41, ReLU)" in pair
    assert "conv1b (32x32x3x3, gain 1.41, ReLU, LRN(alpha=0.0001), MaxPool2d)" in pair
    assert "without conv1 (32x3x5x5, gain 1.41, ReLU, LRN(alpha=0.0001), MaxPool2d)" in pair


def test_a_pair_without_its_middle_activation_reads_differently():
    linear = changes_of(ZHANG, kernel="pair-linear")["depth"].replace(TIMES, "x")
    assert "conv1a (32x3x3x3, gain 1, no activation)" in linear
    assert linear != changes_of(ZHANG, kernel="pair")["depth"].replace(TIMES, "x")


@pytest.mark.parametrize(
    "levels, aspects",
    [
        ({"kernel": "pair", "middle": 2.0}, ["depth", "parameters"]),
        ({"activation": "tanh", "dropout": 0.5}, ["activation", "dropout"]),
    ],
)
def test_aspects_that_change_at_once_are_named(levels, aspects):
    assert confounded_aspects(record(**{**ZHANG, **levels}), record(**ZHANG)) == aspects


def test_a_recipe_is_compared_field_by_field():
    changes = list_changes(record(TrainConfig(augmentation="both", epochs=10), **DOCUMENT), record(**DOCUMENT))
    assert changes == {"epochs": f"20 {ARROW} 10", "augmentation": f"none {ARROW} both"}


def test_initial_weights_and_inputs_are_read_from_the_network():
    glorot, pixels = (changes_of(ZHANG, **levels) for levels in ({"initial": "glorot"}, {"inputs": "pixels"}))
    assert list(glorot) == ["gain"] and "fc5" in glorot["gain"]
    assert pixels == {"inputs": f"none {ARROW} MeanSubtraction (conv1)"}


def test_another_device_is_listed_with_its_precision():
    cpu_record = record(**DOCUMENT)
    gpu_record = {**cpu_record, "job": {**cpu_record["job"], "device": "cuda", "precision": "bfloat16"}}
    assert list_changes(gpu_record, cpu_record) == {"device": f"cpu, float32 {ARROW} cuda, bfloat16"}
    assert confounded_aspects(gpu_record, cpu_record) == []


def test_arms_are_warned_of_against_what_claims_compare_them_with():
    """An arm that no claim compares stands against the baseline."""
    arms = {name: {} for name in ("none", "both", "none, twice", "both, twice", "other")}
    parts = [Contrast("test/accuracy", "both", "none", 1), Contrast("test/accuracy", "both, twice", "none, twice", 1)]
    study = Study("?", (Claim("c", "A sentence", parts[:1], beyond={"twice": parts[1]}),), arms=arms)
    assert list_comparisons(study) == [("both", "none"), ("both, twice", "none, twice"), ("other", "none")]
