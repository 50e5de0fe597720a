"""Changes of an arm, from networks as `bench.models.complexity` counts them."""

import dataclasses

import pytest
from small_networks import Block, Residual, declare
from torch import nn

from ablations import Claim, Contrast, Study
from bench.components.networks import Factor
from bench.models.complexity import count_network
from bench.spec.config import ModelConfig, TrainConfig
from reports.sections.changes import ARROW, _show, confounded_aspects, list_changes, list_comparisons
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


def test_a_declared_network_is_listed_by_its_layers_alone():
    """Nothing is known of what lies between them, so nothing is said of it."""
    layer = {"name": "head", "kind": "fc", "shape": [10, 3072], "parameters": 30_730, "macs": 30_720}
    network = {"parameters": 30_730, "macs": 30_720, "layers": [layer]}
    changes = list_changes(record() | {"network": network}, record())
    assert changes["depth"].endswith(f"with head (10{TIMES}3072)")


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


@pytest.mark.parametrize(
    "module, shown",
    [
        (nn.GroupNorm(16, 32), "GroupNorm(16)"),
        (nn.LayerNorm(8), "LayerNorm"),
        (nn.InstanceNorm2d(8), "InstanceNorm2d"),
        (nn.BatchNorm3d(8), "BatchNorm3d"),
        (nn.ReLU(inplace=True), "ReLU"),
        (nn.LeakyReLU(0.1, inplace=True), "LeakyReLU(negative_slope=0.1)"),
    ],
    ids=str,
)
def test_a_module_is_shown_without_its_channels_and_defaults(module, shown):
    assert _show(repr(module)) == shown


def test_an_arm_of_a_declared_network_changes_its_factors_and_what_follows_from_them():
    def build(classes, channels, dropout):
        network = Residual(classes, dropout=dropout)
        network.stem, network.block = nn.Conv2d(3, channels, 3), Block(channels)
        network.fc = nn.Linear(channels, classes)
        return network

    factors = {"channels": Factor(4), "dropout": Factor(0.5)}
    baseline = declare(build, factors, levels={"channels": 4, "dropout": 0.5}.items())
    wide = dataclasses.replace(baseline, factors=(("channels", 6), ("dropout", 0.5)))
    both = dataclasses.replace(baseline, factors=(("channels", 6), ("dropout", 0.2)))
    record_of = {model: record(**vars(model)) | {} for model in (baseline, wide, both)}
    for model, made in record_of.items():
        made["job"]["model"] = {"network": model.network, "factors": model.factors}
    changes = list_changes(record_of[wide], record_of[baseline])
    assert list(changes) == ["channels", "layer sizes as built", "parameters", "MACs"]
    assert changes["channels"] == f"4 {ARROW} 6"
    assert confounded_aspects(record_of[wide], record_of[baseline]) == []
    assert confounded_aspects(record_of[both], record_of[baseline]) == ["channels", "dropout"]


def test_a_layer_that_an_arm_of_a_declared_network_adds_is_described():
    factors = {"extra": Factor(False, (False, True))}
    plain, more = (declare(Residual, factors, levels={"extra": extra}.items()) for extra in (False, True))
    depth = list_changes(record(**vars(more)), record(**vars(plain)))["depth"].replace(TIMES, "x")
    assert depth == f"4 {ARROW} 5 layers with weights: with extra.0 (4x4x1x1, GELU(approximate='none'), Dropout(p=0.5))"
