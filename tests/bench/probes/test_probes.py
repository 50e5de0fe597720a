import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save

from bench.components.normalisations import LRN
from bench.data.image_sets import ResidentImages
from bench.data.trial_images import load_splits
from bench.metrics.accuracy import evaluate
from bench.models.network import build
from bench.probes import answering, competition, ensembles, features
from bench.probes.ensembles import scores
from bench.records import store, weights
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Probe, Trial, identity

SMALL = ModelConfig("document", width=1 / 16, dropout=0.5)


def images(count=40, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return ResidentImages(
        torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8, generator=draws),
        torch.randint(0, 10, (count,), generator=draws),
    )


def network(seed=0, **levels):
    return build(replace(SMALL, **levels), seed).eval()


# Scores


def test_scores_by_hand():
    """Confidences .9 (right), .6 (wrong) and .6 (right): two bins, of accuracies 1 and 1/2."""
    probabilities = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    answer = scores(probabilities, torch.tensor([0, 1, 0]))
    assert answer["accuracy"] == pytest.approx(2 / 3)
    assert answer["loss"] == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.6)) / 3, rel=1e-5)
    assert answer["calibration_error"] == pytest.approx((1 * 0.1 + 2 * abs(0.5 - 0.6)) / 3, rel=1e-5)


def test_a_confident_network_that_is_always_right_is_calibrated():
    assert scores(torch.eye(10), torch.arange(10))["calibration_error"] == 0


# Sub-networks


@torch.no_grad()
def test_weight_scaling_equals_evaluation():
    probe_images = images()
    answer = ensembles.sub_networks([network()], probe_images)["weight scaling"]
    accuracy, loss = evaluate(network(), probe_images)
    assert (answer["masks/accuracy"], answer["masks/loss"]) == (pytest.approx(accuracy), pytest.approx(loss, rel=1e-4))


@torch.no_grad()
def test_means_over_masks_are_those_of_whole_forward_passes():
    probe_images, counted = images(), 3
    torch.manual_seed(5)
    answer = ensembles.sub_networks([network()], probe_images)
    torch.manual_seed(5)
    copy = network()
    for module in copy.module.layers:
        module.train(isinstance(module, torch.nn.Dropout))
    passes = [copy(ensembles.centre(probe_images.canvas, 32)) for _ in range(counted)]
    arithmetic = torch.stack([member.softmax(1) for member in passes]).mean(0)
    geometric = torch.stack([member.log_softmax(1) for member in passes]).mean(0).softmax(1)
    for name, p in (("arithmetic", arithmetic), ("geometric", geometric)):
        for score, value in scores(p, probe_images.labels).items():
            assert answer[f"{name} mean of 3 masks"][f"masks/{score}"] == pytest.approx(value, rel=1e-4, abs=1e-6)


@torch.no_grad()
def test_masks_and_networks_are_averaged_by_hand():
    probe_images, networks = images(), [network(seed) for seed in range(5)]
    answer = {arm: metrics["networks/accuracy"] for arm, metrics in ensembles.averages(networks, probe_images).items()}
    predictions = [member.eval()(ensembles.centre(probe_images.canvas, 32)).softmax(1) for member in networks]
    assert answer["one network"] == pytest.approx(
        np.mean([scores(p, probe_images.labels)["accuracy"] for p in predictions])
    )
    assert answer["mean of 5 networks"] == scores(torch.stack(predictions).mean(0), probe_images.labels)["accuracy"]
    gained = answer["mean of 30 masks"] - answer["one mask"]
    half = (answer["mean of 5 networks"] - answer["one network"]) / 2
    assert answer[ensembles.GAIN] == pytest.approx(gained - half)


# Features


def test_correlation_by_hand():
    """Units x, -x and one at right angles to both: |r| is 1, 0 and 0. A unit that never varies does not count."""
    x, y = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    assert features.correlation(torch.stack([x, -x, y, torch.full((4,), 3.0)], 1)) == pytest.approx(1 / 3)


def test_correlation_is_numpys():
    units = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    r = np.abs(np.corrcoef(units.numpy().T))
    assert features.correlation(units) == pytest.approx((r.sum() - 7) / (7 * 6))


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_effective_rank_of_equal_directions_is_their_number(rank):
    signs = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    hadamard = torch.kron(torch.kron(signs, signs), signs)[:, 1:]  # columns of mean zero, at right angles
    assert features.effective_rank(hadamard[:, :rank]) == pytest.approx(rank)


def test_a_layer_that_is_dead_has_no_rank_and_no_correlation():
    assert features.effective_rank(torch.zeros(5, 3)) == 0
    assert features.correlation(torch.zeros(5, 3)) == 0


@torch.no_grad()
def test_dependence_is_measured_in_the_hidden_connected_layers():
    (metrics,) = features.dependence([network()], images()).values()
    assert set(metrics) == {
        f"features/{metric}/{layer}" for metric in ("correlation", "rank") for layer in ("fc6", "fc7")
    }


@torch.no_grad()
def test_activity_falls_with_the_threshold_from_the_nonzero_share():
    (metrics,) = features.activity_above([network(activation="sigmoid")], images()).values()
    shares = list(metrics.values())
    assert shares == sorted(shares, reverse=True)
    outputs = features.hidden_activations(network(activation="sigmoid"), images())
    expected = np.mean([(output > 0.5).double().mean().item() for output in outputs.values()])
    assert metrics["activity/above/0.5"] == pytest.approx(expected)


# Competition


def test_contrast_by_hand():
    """Responses 1 5 3 2 0: the largest, 5, has the neighbours 1, 3 and 2, whose mean is 2."""
    responses = torch.tensor([1.0, 5.0, 3.0, 2.0, 0.0]).view(1, 5, 1, 1)
    assert competition.contrast(responses, responses) == pytest.approx((5 - 2) / (5 + 2))
    halved = responses * torch.tensor([0.5, 1.0, 0.5, 0.5, 1.0]).view(1, 5, 1, 1)
    assert competition.contrast(responses, halved) == pytest.approx((5 - 1) / (5 + 1))


def test_places_where_nothing_is_active_do_not_count():
    responses = torch.tensor([[2.0, 1.0], [0.0, 0.0]]).view(2, 2, 1, 1)
    assert competition.contrast(responses, responses) == pytest.approx((2 - 1) / (2 + 1))


@torch.no_grad()
def test_contrasts_are_those_of_the_networks_own_layers():
    net = network(normalisation="lrn-rescaled")
    answer = competition.competition([net], images())
    expected, output = {"before LRN": [], "behind LRN": []}, competition.centre(images().canvas, 32)
    for module in net.module.layers:
        if isinstance(module, LRN):
            expected["before LRN"].append(competition.contrast(output, output))
            expected["behind LRN"].append(competition.contrast(output, module(output)))
        output = module(output)
    for arm, values in expected.items():
        assert answer[arm]["competition/contrast"] == pytest.approx(np.mean(values))
    assert answer["behind LRN of permuted channels"] != answer["behind LRN"]


@torch.no_grad()
def test_lrn_over_permuted_channels_in_their_own_order_is_lrn(monkeypatch):
    monkeypatch.setattr(torch, "randperm", torch.arange)
    answer = competition.competition([network(normalisation="lrn-rescaled")], images())
    permuted, plain = (answer[arm]["competition/contrast"] for arm in ("behind LRN of permuted channels", "behind LRN"))
    assert permuted == pytest.approx(plain, rel=1e-6)


# Answers


@pytest.fixture
def finished_trials(digits, tmp_path):
    """Trials that were not trained, with weights as if they had been."""

    def keep(*seeds):
        trials = tuple(Trial(SMALL, TrainConfig(epochs=1), digits.data, seed) for seed in seeds)
        store.folder(tmp_path).mkdir(exist_ok=True)
        for trial in trials:
            digest = weights.write(tmp_path, trial, save(build(SMALL, trial.seed).module.state_dict()))
            store.write(tmp_path, store.new_record(trial) | {"status": "finished", "weights": digest})
        return trials

    return keep


def test_a_question_for_one_network_is_answered_for_each_with_weights(finished_trials, digits, tmp_path):
    trials = finished_trials(0, 1, 2)
    store.weights_file(tmp_path, trials[1]).unlink()
    store.write(tmp_path, store.new_record(trials[1]) | {"status": "diverged"})
    samples = answering.answer_probe(Probe("co-adaptation", trials), tmp_path, digits)
    assert {sample["pair"] for sample in samples} == {0, 2}
    assert {sample["arm"] for sample in samples} == {""}


@pytest.mark.parametrize("status", [None, "finished", "died"])
def test_weights_that_are_missing_are_an_error_unless_the_trial_diverged(finished_trials, digits, tmp_path, status):
    trials = finished_trials(0, 1)
    for file in (store.weights_file(tmp_path, trials[1]), store.path(tmp_path, trials[1])):
        file.unlink()
    if status:
        store.write(tmp_path, store.new_record(trials[1]) | {"status": status})
    with pytest.raises(InputError, match=f"weights of trial {identity(trials[1])} are missing"):
        answering.answer_probe(Probe("co-adaptation", trials), tmp_path, digits)


def test_a_question_for_five_networks_uses_each_trial_in_one_group(finished_trials, digits, tmp_path):
    samples = answering.answer_probe(Probe("averages", finished_trials(*range(12))), tmp_path, digits)
    assert {sample["pair"] for sample in samples} == {0, 1}


def test_an_answer_is_reproducible(finished_trials, digits, tmp_path):
    probe = Probe("sub-networks", finished_trials(0))
    assert answering.answer_probe(probe, tmp_path, digits) == answering.answer_probe(probe, tmp_path, digits)


def test_a_restored_network_is_the_one_that_was_kept(finished_trials, digits, tmp_path):
    (trial,) = finished_trials(3)
    test = load_splits(trial, digits).test.first(30)
    assert evaluate(answering.load_network(trial, tmp_path), test) == evaluate(build(SMALL, 3), test)
