"""Named numbers of a network at work. A new one is a function here and a test with a hand-computed value."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.components.augmentations import centre, windows
from bench.data.photos import Photographs
from bench.data.splits import Split
from bench.models.alexnet import AlexNet
from bench.system.process_group import SINGLE, ProcessGroup

BATCH = 500  # images evaluated at once

Activity = dict[str, dict[str, Tensor]]


@torch.no_grad()
def evaluate(network: AlexNet, images: Split, ranks: ProcessGroup = SINGLE) -> tuple[float, float]:
    """Accuracy (a fraction) and mean cross entropy (nats) in eval mode, on the centre of each image."""
    network.eval()
    count = len(images.labels)
    right = torch.zeros((), dtype=torch.int64, device=images.device)
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    for canvas, truth in images.batches(BATCH, ranks):
        logits = network(centre(canvas, network.layout.size)).float()
        right += (logits.argmax(dim=1) == truth).sum()
        loss += functional.cross_entropy(logits, truth, reduction="sum")
    network.train()
    return ranks.summed(right).item() / count, ranks.summed(loss).item() / count


@torch.no_grad()
def crops(network: AlexNet, images: Photographs, ranks: ProcessGroup = SINGLE) -> dict[str, float]:
    """`test/top5` of the centre; `test/ten_crop/accuracy` and `test/ten_crop/top5` of the mean prediction over ten
    windows (Krizhevsky et al. 2012, section 4.1). Of fewer than six outputs, all but one count as five."""
    network.eval()
    five = min(5, network.model.classes - 1)
    right = torch.zeros(3, dtype=torch.int64, device=images.device)
    for canvas, truth in images.batches(BATCH // 10, ranks):
        predictions = [network(window).float().softmax(1) for window in windows(canvas, network.layout.size)]
        mean = torch.stack(predictions).mean(0)
        told = ((predictions[0], five), (mean, 1), (mean, five))
        right += torch.stack([(one.topk(k).indices == truth[:, None]).any(1).sum() for one, k in told])
    network.train()
    names = "test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"
    return {name: share / len(images.labels) for name, share in zip(names, ranks.summed(right).tolist(), strict=True)}


@contextmanager
def watched(network: AlexNet) -> Iterator[Activity]:
    """Sums up each activation's output over the forward passes made inside; `sparsity` turns the sums into numbers."""
    seen: Activity = {}
    handles = [module.register_forward_hook(_observer(seen, name)) for name, module in network.activations()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _observer(seen: Activity, name: str):
    def observe(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        for key, value in activity(output.detach().float()).items():
            kept = seen.setdefault(name, {}).get(key)
            seen[name][key] = value if kept is None else (kept | value if key == "alive" else kept + value)

    return observe


def activity(output: Tensor) -> dict[str, Tensor]:
    """What one batch of activations, (N, units) or (N, channels, H, W), adds to the sums.

    images, zeros (mean share an image), hoyer and treves_rolls are summed over images; alive tells for each unit, or
    each channel, whether it was ever not zero.
    """
    channels = output.shape[1]
    flat = (output.permute(0, 2, 3, 1) if output.ndim == 4 else output).flatten(1)  # as it lies in memory
    units = flat.shape[1]
    root, scratch = math.sqrt(units), torch.empty_like(flat)
    nonzero = torch.ne(flat, 0, out=scratch).view(len(flat), -1, channels).sum(1)  # of an image's channel
    ratio = torch.abs(flat, out=scratch).sum(1) / torch.linalg.vector_norm(flat, 2, dim=1)
    ratio = torch.where(ratio.isnan(), torch.ones_like(ratio), ratio)  # nothing active: as sparse as can be
    return {
        "images": torch.tensor(float(len(flat)), device=flat.device),
        "zeros": (1 - nonzero.sum(1) / units).sum(dtype=torch.float64),
        "hoyer": ((root - ratio) / max(root - 1, 1e-12)).sum(dtype=torch.float64),
        "treves_rolls": (1 - ratio**2 / units).sum(dtype=torch.float64),
        "alive": nonzero.amax(0) > 0,
    }


def sparsity(seen: Activity, ranks: ProcessGroup = SINGLE) -> dict[str, float]:
    """`sparsity/<measure>/<layer>` for each watched layer, and the mean over layers.

    zeros: share of exact zeros. hoyer: (sqrt n - L1/L2) / (sqrt n - 1) an image (Hoyer 2004, section 3.1).
    treves_rolls: 1 - (mean |a|)^2 / mean a^2 an image (Treves & Rolls 1991; Willmore & Tolhurst 2001, equation 1).
    dead: share of units, or channels, that were zero on every image.
    """
    metrics: dict[str, float] = {}
    for layer, own in seen.items():
        sums = {name: ranks.summed(value.double()) for name, value in own.items()}
        for measure in ("zeros", "hoyer", "treves_rolls"):
            metrics[f"sparsity/{measure}/{layer}"] = (sums[measure] / sums["images"]).item()
        metrics[f"sparsity/dead/{layer}"] = 1 - (sums["alive"] > 0).double().mean().item()
    for measure in ("zeros", "hoyer", "treves_rolls", "dead"):
        metrics[f"sparsity/{measure}/mean"] = sum(metrics[f"sparsity/{measure}/{name}"] for name in seen) / len(seen)
    return metrics


def gradient_flow(network: AlexNet) -> dict[str, float]:
    """`gradient/norm_ratio/<layer>` for each layer with weights, first to last: the norm of the loss's gradient, as the
    last training step found it, over the norm of the weights, as it left them."""
    weights = {name: network.layers.get_submodule(name).get_parameter("weight") for name in network.gains}
    ratios = torch.stack([w.grad.norm() / w.detach().norm() for w in weights.values() if w.grad is not None])
    return {f"gradient/norm_ratio/{name}": ratio for name, ratio in zip(weights, ratios.tolist(), strict=True)}


def steps_to_error(curve: Sequence[tuple[int, float]], error: float) -> float | None:
    """Steps until training error falls to `error`, by straight lines between (step, accuracy) evaluations; None where
    it never does."""
    wanted = 1 - error
    if curve[0][1] >= wanted:
        return float(curve[0][0])
    for (before, low), (after, high) in itertools.pairwise(curve):
        if high >= wanted:
            return before + (after - before) * ((wanted - low) / (high - low))
    return None


def reset_peak_memory(device: str) -> bool:
    """Whether it could be: on CUDA, and on Linux where the container allows it. What earlier trials of the process left
    free goes back first."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return True
    with suppress(OSError, AttributeError, TypeError):  # where the C library is not glibc
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory_mb(device: str) -> float:
    """Most memory since the reset, in units of 10^6 bytes: the device's on CUDA, else the process's."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024 / 1e6
