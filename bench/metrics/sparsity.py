"""Sparsity of activations, measured while test images pass through the network.

torch is imported late, because reports read this file for names, labels and units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from bench.components.registry import register
from bench.metrics.registry import FRACTION, METRICS, Metric, Range

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.models.network import Network
    from bench.system.process_group import ProcessGroup

METRICS["sparsity/dead/{layer}"] = Metric("dead units, {layer}", "%", 100)
METRICS["sparsity/active/{layer}"] = Metric("active share, {layer} (dead units left out)", "%", 100)

Measure = Callable[["LayerOutput"], "Tensor"]
ACTIVATION_METRICS: dict[str, Measure] = {}
Sums = dict[str, dict[str, "Tensor"]]  # by layer and metric


def activation_metric(
    name: str, label: str, unit: str = "", factor: float = 1.0, shown_range: Range | None = None
) -> Callable[[Measure], Measure]:
    """Declare the metric `sparsity/<name>/<layer>` by a function of a layer's output that returns a value per image."""
    METRICS[f"sparsity/{name}/{{layer}}"] = Metric(f"{label}, {{layer}}", unit, factor, shown_range)
    return register(ACTIVATION_METRICS, name)


class LayerOutput:
    """A batch of one layer's activations, with quantities that several metrics share.

    Attributes:
        values: (N, units) float32, all activations of each image.
        channels: Units, channels of a convolution, or features of each token.
        units: Activations of an image.
    """

    def __init__(self, output: Tensor) -> None:
        channels_last = output.permute(0, 2, 3, 1) if output.ndim == 4 else output  # matches the memory layout
        self.values, self.channels = channels_last.flatten(1), channels_last.shape[-1]
        self.units = self.values.shape[1]
        self._scratch = self.values.new_empty(self.values.shape)

    @cached_property
    def nonzero(self) -> Tensor:
        """Number of nonzero activations per channel, (N, channels)."""
        import torch

        return torch.ne(self.values, 0, out=self._scratch).view(len(self.values), -1, self.channels).sum(1)

    @cached_property
    def norm_ratio(self) -> Tensor:
        """L1 norm over L2 norm, (N,); 1, the sparsest value, for an image without active units.

        It lies in 1..sqrt(units). Squares that leave float32's range lead out of it, so it is clamped, with room for
        rounding.
        """
        import torch

        ratio = torch.abs(self.values, out=self._scratch).sum(1) / torch.linalg.vector_norm(self.values, 2, dim=1)
        ratio = ratio.clamp(1 - 1e-5, math.sqrt(self.units) * (1 + 1e-5))
        return torch.where(ratio.isnan(), torch.ones_like(ratio), ratio)


@activation_metric("zeros", "exact zeros", "%", 100)
def zeros(output: LayerOutput) -> Tensor:
    """Share of exact zeros."""
    return 1 - output.nonzero.sum(1) / output.units


@activation_metric("hoyer", "Hoyer sparsity", shown_range=FRACTION)
def hoyer(output: LayerOutput) -> Tensor:
    """(sqrt n - L1/L2) / (sqrt n - 1) (Hoyer 2004, section 3.1)."""
    root = math.sqrt(output.units)
    return (root - output.norm_ratio) / max(root - 1, 1e-12)


@activation_metric("treves_rolls", "Treves-Rolls sparsity", shown_range=FRACTION)
def treves_rolls(output: LayerOutput) -> Tensor:
    """1 - (mean |a|)^2 / mean a^2 (Treves & Rolls 1991; Willmore & Tolhurst 2001, equation 1)."""
    return 1 - output.norm_ratio**2 / output.units


def layer_sums(activations: Tensor) -> dict[str, Tensor]:
    """Sum every activation metric over a batch.

    Args:
        activations: (N, units), (N, channels, H, W) or (N, tokens, features) float32.

    Returns:
        The number of images, each metric's sum over them, 'values': the number of activations of a unit, or a channel,
        and 'nonzero': the number of those that are not zero, (units,).
    """
    import torch

    output = LayerOutput(activations)
    return {
        "images": torch.tensor(float(len(activations)), device=activations.device),
        "values": torch.tensor(float(activations.numel() // output.channels), device=activations.device),
        "nonzero": output.nonzero.sum(0, dtype=torch.float64),
        **{name: measure(output).sum(dtype=torch.float64) for name, measure in ACTIVATION_METRICS.items()},
    }


@contextmanager
def watch_activations(network: Network) -> Iterator[Sums]:
    """Sum each hidden layer's activation metrics over the forward passes made inside the context."""
    sums: Sums = {}

    def observe(layer: str, module: nn.Module, output: Tensor) -> None:
        batch = layer_sums(output.detach().float())
        before = sums.get(layer)
        sums[layer] = {name: before[name] + value for name, value in batch.items()} if before else batch

    with ExitStack() as hooks:
        for handle in network.hook_activations(observe):
            hooks.enter_context(handle)
        yield sums


def sparsity(sums: Sums, group: ProcessGroup) -> dict[str, float]:
    """Compute `sparsity/<metric>/<layer>` for each watched layer, and the mean over layers.

    Activation metrics are means over images; `dead` is the share of units, or channels, that were zero on every image,
    and `active` the share of nonzero activations of all others, 0 if there are none.
    """
    metrics: dict[str, float] = {}
    for layer, own_sums in sums.items():
        total = {name: group.sum(value.double()) for name, value in own_sums.items()}
        for name in ACTIVATION_METRICS:
            metrics[f"sparsity/{name}/{layer}"] = (total[name] / total["images"]).item()
        alive = total["nonzero"] > 0
        metrics[f"sparsity/dead/{layer}"] = 1 - alive.double().mean().item()
        alive_values = total["values"] * alive.sum().clamp_min(1)
        metrics[f"sparsity/active/{layer}"] = (total["nonzero"].sum() / alive_values).item()
    for name in (*ACTIVATION_METRICS, "dead", "active") if sums else ():
        metrics[f"sparsity/{name}/mean"] = math.fsum(metrics[f"sparsity/{name}/{layer}"] for layer in sums) / len(sums)
    return metrics
