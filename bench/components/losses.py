"""Losses that a training step reduces."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from bench.components.registry import register

Loss = Callable[[Tensor, Tensor], Tensor]
LOSSES: dict[str, Loss] = {}


@register(LOSSES, "cross-entropy")
def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy, in nats, of (B, classes) logits against (B,) int64 labels."""
    return functional.cross_entropy(logits, labels)
