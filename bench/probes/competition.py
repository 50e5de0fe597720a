"""What local response normalisation does to the strongest response and its neighbours."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.components.normalisations import LRN, NEIGHBOURS
from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.models.alexnet import AlexNet
from bench.probes.question import Answer, question


@question("competition")
def competition(networks: Sequence[AlexNet], images: ResidentImages) -> Answer:
    """Measure `competition/contrast`, mean over the network's LRN layers.

    Before each layer, behind it, and behind it when it takes its neighbours from randomly permuted channels.
    """
    (network,) = networks
    contrasts: dict[str, list[float]] = {"before LRN": [], "behind LRN": [], "behind LRN of permuted channels": []}
    output = centre(images.canvas, network.layout.size)
    for module in network.eval().layers:
        if isinstance(module, LRN):
            order = torch.randperm(output.shape[1])
            permuted = module(output[:, order])[:, order.argsort()]
            for layer_contrasts, response in zip(contrasts.values(), (output, module(output), permuted), strict=True):
                layer_contrasts.append(contrast(output, response))
        output = module(output)
    return {arm: {"competition/contrast": sum(values) / len(values)} for arm, values in contrasts.items() if values}


def contrast(before: Tensor, behind: Tensor) -> float:
    """Compute the mean of (largest - neighbours) / (largest + neighbours).

    The neighbours are the mean of the two channels on either side of the one that was largest before; the mean is over
    all places of all images where something is active.

    Args:
        before: (N, C, H, W), the responses before normalisation.
        behind: (N, C, H, W), the responses to compare.
    """
    channels = before.shape[1]
    largest = before.argmax(1, keepdim=True)
    reach = NEIGHBOURS // 2
    near = [largest + step for step in range(-reach, reach + 1) if step]
    inside = [((place >= 0) & (place < channels)) for place in near]
    values = [behind.gather(1, place.clamp(0, channels - 1)) * ok for place, ok in zip(near, inside, strict=True)]
    neighbours = torch.stack(values).sum(0) / torch.stack(inside).sum(0).clamp_min(1)
    top = behind.gather(1, largest)
    active = before.gather(1, largest) > 0
    return ((top - neighbours) / (top + neighbours))[active].double().mean().item()
