"""Questions to the weights of finished trials. A probe trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from bench import records
from bench.augment import centre
from bench.data import Source, stratified
from bench.model import AlexNet
from bench.spec import Probe, Trial
from bench.splits import Images, splits

MASKS = 30  # dropout masks that are averaged: Srivastava et al. 2014, section 7.5, find that about 50 suffice
SAMPLE = 2_000  # test images

Samples = list[dict[str, Any]]


def answer(probe: Probe, out: Path, source: Source) -> Samples:
    """Samples of every trial that the probe names and that kept its weights (a diverged one has none), paired by the
    trials' order."""
    question = QUESTIONS[probe.question]
    samples: Samples = []
    for pair, trial in enumerate(probe.trials):
        if not records.weights(out, trial).exists():
            continue
        network = restored(trial, out)
        test = splits(trial, source).test
        chosen = torch.from_numpy(stratified(test.labels.cpu().numpy(), SAMPLE)).to(trial.device)
        images = Images(test.canvas[chosen], test.labels[chosen])
        for arm, metrics in question(network, images, trial).items():
            samples += [{"arm": arm, "pair": pair, "metric": name, "value": v} for name, v in metrics.items()]
    return samples


def restored(trial: Trial, out: Path) -> AlexNet:
    """The finished trial's network."""
    network = AlexNet(trial.model)
    network.load_state_dict(load_file(records.weights(out, trial)))
    return network.to(trial.device).to(memory_format=torch.channels_last).eval()


@torch.no_grad()
def sub_networks(network: AlexNet, images: Images, trial: Trial) -> dict[str, dict[str, float]]:
    """Weight scaling against dropout's sub-networks: one of them, and the mean of their predictions.

    Srivastava et al. 2014, section 7.5. The masks are drawn anew for each image.
    """
    inputs = centre(images.canvas, network.layout.size)
    scaled = network(inputs).softmax(1)
    for module in network.modules():
        module.train(isinstance(module, nn.Dropout))
    torch.manual_seed(trial.seed)
    one = network(inputs).softmax(1)
    total = one.clone()
    for _ in range(MASKS - 1):
        total += network(inputs).softmax(1)
    predictions = {"weight scaling": scaled, "one mask": one, f"mean of {MASKS} masks": total / MASKS}
    return {arm: _scores(probabilities, images.labels) for arm, probabilities in predictions.items()}


def _scores(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    accuracy = (probabilities.argmax(1) == labels).double().mean().item()
    loss = functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels).item()
    return {"test/accuracy": accuracy, "test/loss": loss}


QUESTIONS: dict[str, Callable[[AlexNet, Images, Trial], dict[str, dict[str, float]]]] = {"sub-networks": sub_networks}
