"""Answers to a probe's question, computed from the weights of finished trials without training."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from bench.data.image_sets import ResidentImages, StreamedPhotos
from bench.data.source import Source
from bench.data.splits import stratified
from bench.data.trial_images import load_splits
from bench.models.network import Network, build
from bench.probes import competition, ensembles, features
from bench.probes.question import QUESTIONS
from bench.records import store, weights
from bench.spec.errors import InputError
from bench.spec.jobs import Probe, Trial, identity

__all__ = ["QUESTIONS", "answer_probe", "competition", "ensembles", "features"]  # importing them declares questions

SAMPLE_IMAGES = 2_000  # test images that a probe examines


def answer_probe(probe: Probe, out: Path, source: Source) -> list[dict[str, Any]]:
    """Answer a probe's question for its trials, in groups of the size that the question needs.

    Returns:
        Samples: arm, pair (index of the group), metric, value. The groups share no trial. A group with a diverged
        trial, which has no weights, gives no samples.

    Raises:
        InputError: A finished trial's weights are missing.
    """
    question = QUESTIONS[probe.question]
    samples: list[dict[str, Any]] = []
    for pair in range(len(probe.trials) // question.networks):
        trials = probe.trials[pair * question.networks : (pair + 1) * question.networks]
        states = {trial: weights.find_state(out, trial) for trial in trials}
        if missing := [trial for trial, state in states.items() if state not in ("usable", "diverged")]:
            problem = f"the weights of trial {identity(missing[0])} are missing or damaged"
            raise InputError(f"{problem}: `ablate run` trains it again")
        if "diverged" in states.values():
            continue
        torch.manual_seed(trials[0].seed)  # for dropout masks and permutations
        with torch.no_grad():
            networks = [load_network(trial, out) for trial in trials]
            answer = question.answer(networks, _select_images(trials[0], source))
        for arm, metrics in answer.items():
            samples += [{"arm": arm, "pair": pair, "metric": name, "value": value} for name, value in metrics.items()]
    return samples


def load_network(trial: Trial, out: Path) -> Network:
    """Load a finished trial's network, in eval mode, on the trial's device."""
    network = build(trial.model, trial.seed)
    network.module.load_state_dict(load_file(store.weights_file(out, trial)))
    return network.to(trial.device).to(memory_format=torch.channels_last).eval()


def _select_images(trial: Trial, source: Source) -> ResidentImages:
    test = load_splits(trial, source).test
    if isinstance(test, StreamedPhotos):
        return ResidentImages(*map(torch.cat, zip(*test.first(SAMPLE_IMAGES).batches(SAMPLE_IMAGES), strict=True)))
    indices = torch.from_numpy(stratified(test.labels.cpu().numpy(), SAMPLE_IMAGES)).to(trial.device)
    return ResidentImages(test.canvas[indices], test.labels[indices])
