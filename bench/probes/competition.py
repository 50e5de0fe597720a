"""Effect of local response normalisation on the strongest response and its neighbours."""

import math
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from bench.components.normalisations import LRN, NEIGHBOURS
from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.models.network import Network
from bench.probes.question import Answer, question


@question("competition")
def competition(networks: Sequence[Network], images: ResidentImages) -> Answer:
    """Measure `competition/contrast`, the mean over the network's LRN layers.

    It is measured before each layer, after it, and after a layer whose neighbours are randomly permuted channels.
    """
    (network,) = networks
    contrasts: dict[str, list[float]] = {"before LRN": [], "behind LRN": [], "behind LRN of permuted channels": []}

    def observe(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        (before,) = inputs
        order = torch.randperm(before.shape[1])
        permuted = module.forward(before[:, order])[:, order.argsort()]
        for layer_contrasts, response in zip(contrasts.values(), (before, output, permuted), strict=True):
            layer_contrasts.append(contrast(before, response))

    with ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, LRN | nn.LocalResponseNorm):
                hooks.enter_context(module.register_forward_hook(observe))
        network.eval()(centre(images.canvas, network.size))
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
