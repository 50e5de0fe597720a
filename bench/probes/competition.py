"""Effect of local response normalisation on the strongest response and its neighbours."""

import math
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
    """Measure `competition/contrast`, the mean over the network's LRN layers.

    It is measured before each layer, after it, and after a layer whose neighbours are randomly permuted channels.
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
    means = {arm: math.fsum(values) / len(values) for arm, values in contrasts.items() if values}
    return {arm: {"competition/contrast": mean} for arm, mean in means.items()}


def contrast(before: Tensor, after: Tensor) -> float:
    """Compute the mean of (largest - neighbours) / (largest + neighbours).

    The neighbours are the mean of the two channels on either side of the one that was largest before. The mean is over
    all positions of all images with an active channel.

    Args:
        before: (N, C, H, W), the responses before normalisation.
        after: (N, C, H, W), the responses to compare.
    """
    channels = before.shape[1]
    largest = before.argmax(1, keepdim=True)
    reach = NEIGHBOURS // 2
    indices = [largest + step for step in range(-reach, reach + 1) if step]
    exists = [((index >= 0) & (index < channels)) for index in indices]
    values = [after.gather(1, index.clamp(0, channels - 1)) * mask for index, mask in zip(indices, exists, strict=True)]
    neighbours = torch.stack(values).sum(0) / torch.stack(exists).sum(0).clamp_min(1)
    top = after.gather(1, largest)
    active = before.gather(1, largest) > 0
    return ((top - neighbours) / (top + neighbours))[active].double().mean().item()
