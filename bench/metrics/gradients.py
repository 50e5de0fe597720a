"""Flow of gradients through the layers."""

from collections.abc import Mapping

import torch

from bench.models.network import Network


def gradient_flow(network: Network) -> dict[str, float]:
    """Return `gradient/norm_ratio/<layer>` for each layer with weights, first to last.

    The ratio is the norm of the loss's gradient in the last training step over the norm of the weights after it. The
    call waits for the device.
    """
    ratios = {name: w.grad.norm() / w.detach().norm() for name, w in network.weights() if w.grad is not None}
    values = torch.stack([*ratios.values()]).tolist() if ratios else []
    return {f"gradient/norm_ratio/{name}": ratio for name, ratio in zip(ratios, values, strict=True)}


def first_to_last(flow: Mapping[str, float], moment: str) -> dict[str, float]:
    """Return `gradient/first_to_last/<moment>`: the first layer's ratio of a gradient flow over the last layer's."""
    ratios = [ratio for name, ratio in flow.items() if name.startswith("gradient/norm_ratio/")]
    return {f"gradient/first_to_last/{moment}": ratios[0] / ratios[-1]} if ratios and ratios[-1] else {}
