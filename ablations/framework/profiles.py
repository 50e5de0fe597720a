"""How much is spent on a study: width, images, epochs, seeds.

Images and epochs were set by one criterion, which no claim can see: the baseline without augmentation and dropout
reaches 95 % clean training accuracy. docs/log.md has the runs; smoke does not meet the criterion, and is for tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.data.datasets import DIGITS
from bench.spec.config import DataConfig


@dataclass(frozen=True)
class Profile:
    """widths: of a layout, 1 where none is named. images: at most so many are trained on.

    epoch_counts: by data set and layout where a data set needs its own, else by layout; the document's where none is.
    layouts: what stands for a study's layout where images are photographs.
    levels: of every arm, before a study's own. rate: multiplies every learning rate, which suit Adam.
    rounds: of every timing. elements: the largest tensor that a timing of kernels uses. large: whether the 227-pixel
    networks are timed at batch 128 too (some GiB and, on a CPU, a minute).
    """

    name: str
    widths: Mapping[str, float]
    images: int
    epoch_counts: Mapping[str | tuple[str, str], int]
    seeds: int
    rounds: int
    elements: int
    large: bool = True
    layouts: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0

    @property
    def photographs(self) -> bool:
        """Whether images are such, too large for memory."""
        return bool(self.layouts)

    def width(self, layout: str) -> float:
        return self.widths.get(layout, 1.0)

    def epochs(self, layout: str, data: DataConfig) -> int:
        counts = self.epoch_counts
        own = counts.get((data.name, layout)) or counts.get((data.name, "document"))
        return own or counts.get(layout) or counts["document"]

    def share(self, data: DataConfig) -> float:
        return min(1.0, self.images / data.train)


WIDTHS = {"document": 1 / 4, "zhang": 1 / 2}

# Photographs, by the recipe of Krizhevsky et al. 2012, section 5: Adam's rate of 0.002 becomes 0.01 for SGD
PAPER = {
    "optimiser": "sgd",
    "schedule": "plateau",
    "weight_decay": 5e-4,
    "initial": "paper",
    "augmentation": "paper",
}
RATE = 5.0
UNGROUPED = {"document": "ungrouped", "zhang": "ungrouped"}
CAFFENET = {"document": "caffenet-128", "zhang": "caffenet-128"}  # as Mishkin et al. 2017

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("smoke", {"document": 1 / 16, "zhang": 1 / 8}, 256, {"document": 2}, 2, 5, 2**22, large=False),
        Profile("quick", WIDTHS, 4_000, {"document": 16, (DIGITS, "document"): 4}, 5, 15, 2**24),
        Profile("standard", WIDTHS, 10_000, {"document": 16}, 10, 30, 2**28),
        Profile("full", {"zhang": 1 / 2}, 50_000, {"document": 16}, 10, 30, 2**28),
        Profile("imagenet", {}, 2_000_000, {"document": 90}, 3, 30, 2**28, layouts=UNGROUPED, levels=PAPER, rate=RATE),
        Profile(
            "imagenet-quick", {}, 200_000, {"document": 20}, 5, 30, 2**28, layouts=CAFFENET, levels=PAPER, rate=RATE
        ),
        Profile(
            "imagenet-smoke",
            {"caffenet-128": 1 / 16},
            256,
            {"document": 2},
            2,
            5,
            2**22,
            large=False,
            layouts=CAFFENET,
            levels=PAPER,
            rate=RATE,
        ),
    )
}


def default_profile(device: str) -> str:
    return "quick" if device == "cpu" else "standard"
