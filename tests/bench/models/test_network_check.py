"""Each mistake in a declared network is one line before anything trains."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from small_networks import Residual, declare
from torch import nn

from bench.models.network_check import check_network, find_facts
from bench.runner.backends import torchrun
from bench.runner.job_check import check_job
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial


class Flawed(nn.Module):
    """A linear network with a flaw."""

    def __init__(self, classes, flaw):
        super().__init__()
        self.fc, self.flaw = nn.Linear(192, classes), flaw
        self.unused = nn.Linear(2, 2) if flaw == "unused" else None
        if flaw == "draws":
            nn.init.constant_(self.fc.bias, random.random())

    def forward(self, images):
        if self.flaw == "fails":
            raise ValueError("no\nsuch path")
        if self.flaw == "view":
            images = images.view(len(images), -1)
        logits = self.fc(images.flatten(1))
        if self.flaw == "noise":
            logits = logits + torch.randn_like(logits)
        return {"tuple": (logits,), "long": logits[:, None], "few": logits[:, :3]}.get(self.flaw, logits)


@pytest.mark.parametrize(
    "flaw, message",
    [
        ("draws", "net differs in fc.bias when it is built again: draw by torch alone"),
        (
            "fails",
            r"net fails in training with images of 8 pixels: ValueError: no such path "
            r"\(test_network_check.py, line \d+\)",
        ),
        ("view", "net fails in training with images of 8 pixels: RuntimeError: view size is not compatible"),
        ("tuple", r"net returns tuple: expected \(N, 10\), a number for each class"),
        ("long", r"net returns the shape \(N, 1, 10\): expected \(N, 10\)"),
        ("few", r"net returns the shape \(N, 3\): expected \(N, 10\)"),
        ("noise", "net gives other outputs for the same images in eval mode"),
        ("unused", "net: no gradient reaches unused.weight, unused.bias: use each parameter in the forward pass"),
    ],
)
def test_a_flaw_is_one_clear_line(flaw, message):
    model = declare(lambda classes: Flawed(classes, flaw))
    for _ in range(2):
        with pytest.raises(InputError, match=message) as raised:
            check_job(Count(model))
        assert "\n" not in str(raised.value)


def test_at_most_three_parameters_without_gradient_are_named():
    class Unused(Flawed):
        def __init__(self, classes):
            super().__init__(classes, "")
            self.idle = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))

    with pytest.raises(InputError, match=r"idle.0.weight, idle.0.bias, idle.1.weight and 3 others"):
        check_network(declare(Unused))


def test_a_sound_network_passes_and_may_freeze_weights():
    def frozen(classes):
        network = Residual(classes)
        network.stem.requires_grad_(False)
        return network

    state = torch.get_rng_state()
    check_network(declare(frozen))
    assert torch.equal(torch.get_rng_state(), state)


def test_facts_are_those_of_the_network():
    facts = find_facts(declare(Residual))
    assert facts == ({"block.relu": 4, "block.relu 2": 4}, True, True)
    assert not find_facts(declare(lambda classes: Residual(classes, dropout=0.0))).has_dropout
    facts = find_facts(ModelConfig("document", dropout=0.5))
    assert facts.activations["fc6"] == 2 and facts.has_dropout and not facts.has_batch_norm
    assert find_facts(ModelConfig("document", normalisation="batch")).has_batch_norm


@pytest.mark.parametrize("subject", ["layers", "activations"])
def test_only_steps_of_a_declared_network_are_timed(subject):
    with pytest.raises(InputError, match="takes AlexNet alone; time its network's steps"):
        check_job(Timing(subject, (("a", declare(Residual)),), (4,), 1))


def test_an_activation_must_be_a_tensor():
    class Attending(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.attention, self.fc = nn.MultiheadAttention(64, 2, batch_first=True), nn.Linear(64, classes)

        def forward(self, images):
            tokens = images.flatten(2)
            return self.fc(self.attention(tokens, tokens, tokens)[0].mean(1))

    check_network(declare(Attending))
    with pytest.raises(InputError, match="activation attention returns tuple: it must return one tensor"):
        check_network(declare(Attending, activations=("attention",)))


def linear(classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, classes))


@pytest.mark.parametrize(
    "question, message",
    [
        ("sub-networks", "a network without dropout has no sub-networks"),
        ("co-adaptation", "network net has no hidden fully connected layer"),
        ("activity", "network net has no activation module: name its hidden activations"),
    ],
)
def test_a_probe_needs_what_the_network_has(question, message):
    trial = Trial(declare(linear), TrainConfig(), DataConfig("", 10), 0)
    with pytest.raises(InputError, match=message):
        check_job(Probe(question, (trial,)))


def test_several_processes_train_no_batch_normalisation(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    source = SimpleNamespace(validation=100, test=100)
    trial = Trial(declare(linear), TrainConfig(), DataConfig("", 10, train=1_000), 0)
    torchrun.check_jobs([trial], source)
    for model in (declare(Residual), ModelConfig(normalisation="batch")):
        with pytest.raises(InputError, match="batch normalisation would see 2 parts of a batch"):
            torchrun.check_jobs([replace(trial, model=model)], source)
