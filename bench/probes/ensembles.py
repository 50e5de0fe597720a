"""Dropout as an average over sub-networks, against weight scaling and against independent networks."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.models.network import Network
from bench.models.network_check import find_facts
from bench.probes.question import Answer, question
from bench.probes.replay import masked_passes
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError

MASKS = (1, 3, 10, 30, 100, 200)  # numbers of averaged masks; about 50 suffice (Srivastava et al. 2014, section 7.5)
NETWORKS = 5  # number of independently trained networks
MASKS_PER_NETWORK = 30
GAIN = "masks' gain less half the networks'"
CALIBRATION_BINS = 15

Scores = dict[str, float]


def check_dropout(model: ModelConfig) -> None:
    """Raise InputError for a network without sub-networks."""
    if not find_facts(model).has_dropout:
        raise InputError("a network without dropout has no sub-networks: ask about arms that have it")


@question("sub-networks", check=check_dropout)
def sub_networks(networks: Sequence[Network], images: ResidentImages) -> Answer:
    """Measure `masks/<score>`: weight scaling, and arithmetic and geometric means over 1 to 200 dropout masks.

    Srivastava et al. 2014, section 7.5; Warde-Farley et al. 2014 for the geometric mean. Each image has its own masks.
    """
    (network,) = networks
    predictions = {"weight scaling": _scaled_prediction(network, images)}
    arithmetic = geometric = torch.zeros(())
    for number, logarithms in enumerate(_masked_logarithms(network, images, MASKS[-1]), 1):
        arithmetic, geometric = arithmetic + logarithms.exp(), geometric + logarithms
        if number in MASKS:
            masks = f"{number} mask" + "s" * (number > 1)
            predictions[f"arithmetic mean of {masks}"] = arithmetic / number
            predictions[f"geometric mean of {masks}"] = (geometric / number).softmax(1)
    return _prefixed("masks", {arm: scores(p, images.labels) for arm, p in predictions.items()})


@question("averages", networks=NETWORKS, check=check_dropout)
def averages(networks: Sequence[Network], images: ResidentImages) -> Answer:
    """Measure `networks/<score>`: one network and the mean of all networks, one mask and the mean of several masks.

    Networks predict by weight scaling; scores of masks are means over networks. The last arm is the gain of averaging
    masks minus half of the gain of averaging networks.
    """
    scaled = [_scaled_prediction(network, images) for network in networks]
    masked = [
        [logarithms.exp() for logarithms in _masked_logarithms(network, images, MASKS_PER_NETWORK)]
        for network in networks
    ]
    by_arm = {
        "one network": _mean([scores(p, images.labels) for p in scaled]),
        f"mean of {NETWORKS} networks": scores(torch.stack(scaled).mean(0), images.labels),
        "one mask": _mean([scores(predictions[0], images.labels) for predictions in masked]),
        f"mean of {MASKS_PER_NETWORK} masks": _mean([scores(torch.stack(p).mean(0), images.labels) for p in masked]),
    }
    network, all_networks, mask, all_masks = (arm["accuracy"] for arm in by_arm.values())
    gain = all_masks - mask - (all_networks - network) / 2
    return _prefixed("networks", {**by_arm, GAIN: {"accuracy": gain}})


def scores(probabilities: Tensor, labels: Tensor) -> Scores:
    """Compute accuracy, mean log loss (nats) and expected calibration error (Guo et al. 2017, section 2).

    Args:
        probabilities: (N, classes).
        labels: (N,) int64.
    """
    confidence, chosen = probabilities.max(1)
    correct = (chosen == labels).double()
    bins = (confidence * CALIBRATION_BINS).long().clamp_max(CALIBRATION_BINS - 1)
    gaps = torch.zeros(CALIBRATION_BINS, dtype=torch.float64, device=labels.device)
    gaps.index_add_(0, bins, correct - confidence)
    loss = functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels)
    return {
        "accuracy": correct.mean().item(),
        "loss": loss.item(),
        "calibration_error": gaps.abs().sum().item() / len(labels),
    }


def _scaled_prediction(network: Network, images: ResidentImages) -> Tensor:
    return network.eval()(centre(images.canvas, network.size)).softmax(1)


def _masked_logarithms(network: Network, images: ResidentImages, count: int) -> Iterator[Tensor]:
    """Yield log probabilities under new masks."""
    for logits in masked_passes(network, centre(images.canvas, network.size), count):
        yield logits.log_softmax(1)


def _prefixed(prefix: str, by_arm: dict[str, Scores]) -> Answer:
    return {arm: {f"{prefix}/{name}": value for name, value in values.items()} for arm, values in by_arm.items()}


def _mean(score_list: Sequence[Scores]) -> Scores:
    return {name: math.fsum(values[name] for values in score_list) / len(score_list) for name in score_list[0]}
