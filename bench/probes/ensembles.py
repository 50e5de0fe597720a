"""Dropout as an average over sub-networks, against weight scaling and against independent networks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.components.augmentations import centre
from bench.data.images import Images
from bench.models.alexnet import AlexNet
from bench.spec.errors import InputError

MASKS = (1, 3, 10, 30, 100, 200)  # dropout masks that are averaged: about 50 suffice (Srivastava et al. 2014, 7.5)
NETWORKS = 5  # independent ones
SOME = 30  # masks of each of them
GAIN = "masks' gain less half the networks'"
BINS = 15  # of confidence

Scores = dict[str, float]


def sub_networks(networks: Sequence[AlexNet], images: Images) -> dict[str, Scores]:
    """`masks/<score>`: weight scaling beside arithmetic and geometric means over so many masks (Srivastava et al. 2014,
    section 7.5; Warde-Farley et al. 2014 for the geometric one). The masks are drawn anew for each image."""
    (network,) = networks
    predictions = {"weight scaling": _scaled(network, images)}
    arithmetic = geometric = torch.zeros(())
    for number, logarithms in enumerate(itertools.islice(_masked(network, images), MASKS[-1]), 1):
        arithmetic, geometric = arithmetic + logarithms.exp(), geometric + logarithms
        if number in MASKS:
            masks = f"{number} mask" + "s" * (number > 1)
            predictions[f"arithmetic mean of {masks}"] = arithmetic / number
            predictions[f"geometric mean of {masks}"] = (geometric / number).softmax(1)
    return _named("masks", {arm: scores(p, images.labels) for arm, p in predictions.items()})


def averages(networks: Sequence[AlexNet], images: Images) -> dict[str, Scores]:
    """`networks/<score>`: one network and the mean of all, by weight scaling; one mask and the mean of SOME, over the
    networks. The last arm is what averaging masks gains less half of what averaging networks gains.
    """
    scaled = [_scaled(network, images) for network in networks]
    masked = [[one.exp() for one in itertools.islice(_masked(network, images), SOME)] for network in networks]
    found = {
        "one network": _mean([scores(p, images.labels) for p in scaled]),
        f"mean of {NETWORKS} networks": scores(torch.stack(scaled).mean(0), images.labels),
        "one mask": _mean([scores(own[0], images.labels) for own in masked]),
        f"mean of {SOME} masks": _mean([scores(torch.stack(own).mean(0), images.labels) for own in masked]),
    }
    one, mean, mask, masks = (own["accuracy"] for own in found.values())
    return _named("networks", {**found, GAIN: {"accuracy": masks - mask - (mean - one) / 2}})


def scores(probabilities: Tensor, labels: Tensor) -> Scores:
    """Accuracy, mean log loss (nats), and expected calibration error over 15 equal bins of confidence (Guo et al. 2017,
    section 2). probabilities: (N, classes); labels: (N,)."""
    confidence, chosen = probabilities.max(1)
    right = (chosen == labels).double()
    bins = (confidence * BINS).long().clamp_max(BINS - 1)
    apart = torch.zeros(BINS, dtype=torch.float64, device=labels.device).index_add_(0, bins, right - confidence)
    loss = functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels)
    return {
        "accuracy": right.mean().item(),
        "loss": loss.item(),
        "calibration_error": apart.abs().sum().item() / len(labels),
    }


def _scaled(network: AlexNet, images: Images) -> Tensor:
    return network.eval()(centre(images.canvas, network.layout.size)).softmax(1)


def _masked(network: AlexNet, images: Images) -> Iterator[Tensor]:
    """Logarithms of the predictions under new masks, again and again; what comes before them is computed once."""
    places = [place for place, module in enumerate(network.layers) if isinstance(module, nn.Dropout)]
    if not places:
        raise InputError("a network without dropout has no sub-networks: ask about arms that have it")
    first = places[0]
    network.eval()
    for module in network.layers:
        module.train(isinstance(module, nn.Dropout))
    before = network.layers[:first](centre(images.canvas, network.layout.size))
    while True:
        yield network.layers[first:](before.clone()).log_softmax(1)  # an activation may write over its input


def _named(prefix: str, found: dict[str, Scores]) -> dict[str, Scores]:
    return {arm: {f"{prefix}/{name}": value for name, value in own.items()} for arm, own in found.items()}


def _mean(found: Sequence[Scores]) -> Scores:
    return {name: sum(one[name] for one in found) / len(found) for name in found[0]}
