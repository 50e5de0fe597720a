"""Questions to the weights of finished trials. A probe trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor

from bench.data.images import Images
from bench.data.photos import Photographs
from bench.data.sampling import stratified
from bench.data.source import Source
from bench.data.splits import splits
from bench.models.alexnet import AlexNet
from bench.probes import competition, ensembles, features
from bench.records import store
from bench.spec.errors import InputError
from bench.spec.jobs import Probe, Trial, identity

SAMPLE = 2_000  # test images

Samples = list[dict[str, Any]]
Answer = dict[str, dict[str, float]]  # of each arm that the question brings, or of "", the network itself: its metrics


class Question(NamedTuple):
    """networks: how many it is put to at a time. answer: takes them and the images."""

    answer: Callable[[Sequence[AlexNet], Images], Answer]
    networks: int = 1


QUESTIONS = {
    "sub-networks": Question(ensembles.sub_networks),
    "averages": Question(ensembles.averages, ensembles.NETWORKS),
    "co-adaptation": Question(features.dependence),
    "activity": Question(features.activity_above),
    "competition": Question(competition.contrasts),
}


def answer(probe: Probe, out: Path, source: Source) -> Samples:
    """Samples of the trials that kept their weights (a diverged one has none), in groups as large as the question
    wants; no trial is in two. pair: the group's number, of those that are whole."""
    question = QUESTIONS[probe.question]
    samples: Samples = []
    size = question.networks
    for pair in range(len(probe.trials) // size):
        trials = probe.trials[pair * size : (pair + 1) * size]
        if lost := [trial for trial in trials if not store.askable(out, trial)]:
            raise InputError(f"the weights of trial {identity(lost[0])} are not there: ablate run trains it again")
        if not all(store.weights(out, trial).exists() for trial in trials):
            continue
        torch.manual_seed(trials[0].seed)  # serves dropout masks and permutations
        with torch.no_grad():
            answers = question.answer([restored(trial, out) for trial in trials], _sample(trials[0], source))
        for arm, metrics in answers.items():
            samples += [{"arm": arm, "pair": pair, "metric": name, "value": v} for name, v in metrics.items()]
    return samples


def restored(trial: Trial, out: Path) -> AlexNet:
    """The finished trial's network, in eval mode."""
    network = AlexNet(trial.model)
    network.load_state_dict(load_file(store.weights(out, trial)))
    return network.to(trial.device).to(memory_format=torch.channels_last).eval()


def _sample(trial: Trial, source: Source) -> Images:
    test = splits(trial, source).test
    if isinstance(test, Photographs):
        return Images(*map(torch.cat, zip(*test.first(SAMPLE).batches(SAMPLE), strict=True)))
    chosen: Tensor = torch.from_numpy(stratified(test.labels.cpu().numpy(), SAMPLE)).to(trial.device)
    return Images(test.canvas[chosen], test.labels[chosen])
