"""Training time of networks that no finished trial has measured, by layout, width and kernel or by operations."""

import json
from typing import Any

from bench.spec.config import ModelConfig

Key = tuple[Any, ...]

# Measured training speed by layout and device. On the CPU it is that of one core at full width. On the GPU it is that
# of one of eight trials on an H100, at any width, since narrow networks do not fill it; the speeds of layouts for
# photographs are guesses. The table serves until a trial of the same layout, width and kernel is done; trials of other
# networks scale it to this machine.
IMAGES_PER_SECOND = {
    "alexnet-32": {"cpu": 115.0, "cuda": 60_000.0},
    "four-layer": {"cpu": 1_400.0, "cuda": 60_000.0},
    "document": {"cpu": 215.0, "cuda": 87_000.0},
    "document-pooled": {"cpu": 380.0, "cuda": 87_000.0},
    "zhang": {"cpu": 420.0, "cuda": 52_000.0},
    "caffenet-128": {"cpu": 50.0, "cuda": 7_500.0},
    "torchvision": {"cpu": 17.0, "cuda": 2_500.0},
    "ungrouped": {"cpu": 10.0, "cuda": 1_500.0},
    "two-group": {"cpu": 16.0, "cuda": 2_400.0},
}
# Training seconds per image and multiply-accumulate of networks outside the table, on one core as fast as the table's:
# between those of ResNets and of AlexNet at 32 pixels. On the GPU it is a guess.
MAC_S = {"cpu": 8e-11, "cuda": 5e-13}
KERNEL_FACTORS = {  # factors of the training time, measured with Zhang's network on a CPU
    "5x5": 1.0,
    "pair": 1.65,
    "pair-linear": 1.6,
    "pair-matched": 1.3,
}
MIN_IMAGE_S = {"cpu": 1e-4, "cuda": 1e-5}  # lower limits for networks of any width


def rule_of_thumb(key: Key) -> float:
    """Seconds per image trained on, for networks that no finished trial has measured."""
    name, size, kernel, device, _ = key
    if name not in IMAGES_PER_SECOND:
        image_s = MAC_S[device] * size
    else:
        scale = 1 if device == "cuda" else size**2
        image_s = KERNEL_FACTORS.get(kernel, 1.0) / IMAGES_PER_SECOND[name][device] * scale
    return max(MIN_IMAGE_S[device], image_s)


def network_keys(job: dict[str, Any], network: dict[str, Any] | None = None) -> tuple[Key, Key]:
    """Keys of a trial's speed: of its model and augmentation, and of its kind and size of network.

    Args:
        job: The job's fields.
        network: Its network as counted; None to count it.
    """
    model, place = ModelConfig(**job["model"]), (job["device"], job["precision"])
    details = json.dumps([model.__dict__, job["recipe"]["augmentation"]])
    return (details, *place), (*kind_of_network(model, network), *place)


def kind_of_network(model: ModelConfig, network: dict[str, Any] | None = None) -> Key:
    """Return layout, width and kernel of a network in the table, else name and multiply-accumulates."""
    _, name = model.architecture
    if name in IMAGES_PER_SECOND:
        return name, model.width, model.kernel
    if network is None:
        from bench.models.complexity import count_network

        network = count_network(model)
    return name, network["macs"], ""
