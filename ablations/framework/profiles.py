"""Profiles: the budget of a study in width, images, epochs and seeds; and the setting of a run, which has one.

Images and epochs were set by one criterion, which depends on no claim: the baseline without augmentation and dropout
reaches 95 % training accuracy on clean images (docs/log.md has the runs of `quick`). Profile smoke is for tests and
does not meet the criterion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from bench.data.datasets import DATASETS
from bench.spec.config import DataConfig

AGAIN_SEED_OFFSET = 1000  # the A/A arm repeats the baseline under seeds from here on; all other seeds lie below
Seeds = Annotated[int, Field(ge=1, le=AGAIN_SEED_OFFSET)]  # a number of seeds


@dataclass(frozen=True)
class Profile:
    """The budget of a study.

    Attributes:
        name: Name of the profile.
        widths: Width of the networks by (data set, layout) or by layout, as a share of the full width; else 1.
        images: Largest number of training images.
        epoch_counts: Number of epochs by (data set, layout), by layout, or of the layout 'alexnet-32' for all others.
        seeds: Number of seeds per arm.
        rounds: Number of rounds of every timing.
        elements: Number of elements of the largest tensor in a timing of kernels.
        large: Whether 227-pixel networks are also timed at batch size 128, which takes some GiB and a minute on a CPU.
        layouts: The layout that replaces a study's, for photographs.
        levels: Levels of every arm, replaced by a study's own.
        rate: Factor of every learning rate. Studies give rates that suit Adam.
        printed_epochs: Factor of the epochs of a printed recipe (`Study.recipe`): 1 but for tests.
    """

    name: str
    widths: Mapping[str | tuple[str, str], float]
    images: int
    epoch_counts: Mapping[str | tuple[str, str], int]
    seeds: int
    rounds: int = 30
    elements: int = 2**28
    large: bool = True
    layouts: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    printed_epochs: float = 1.0

    @property
    def photographs(self) -> bool:
        """Whether images are photographs, too large for memory."""
        return bool(self.layouts)

    def width(self, layout: str, data: DataConfig) -> float:
        """Return the width of a layout on a data set, as a share of its full width."""
        return self.widths.get((data.name, layout)) or self.widths.get(layout, 1.0)

    def epochs(self, layout: str, data: DataConfig) -> int:
        """Return the number of epochs of a layout on a data set."""
        counts = self.epoch_counts
        data_epochs = counts.get((data.name, layout)) or counts.get((data.name, "alexnet-32"))
        return data_epochs or counts.get(layout) or counts["alexnet-32"]

    def share(self, data: DataConfig) -> float:
        """Return the share of the data set's training images."""
        return min(1.0, self.images / data.train)


class Setting(NamedTuple):
    """Values that a run adds to a study.

    Attributes:
        profile: Width, images, epochs and seeds.
        data: The data set.
        device: 'cpu' or 'cuda'.
        precision: 'float32' or 'bfloat16', in which networks compute; weights, optimiser and loss are float32.
        seeds: Number of seeds per arm that the user requested; None for interim analyses, and elsewhere the study's or
            the profile's number.
        tuned_levels: The levels that tuning chose, by study and arm.
        extra_seeds: Total number of seeds by study and arm, where undecided claims have requested more than their first
            interim analysis needs.
    """

    profile: Profile
    data: DataConfig
    device: str = "cpu"
    precision: str = "float32"
    seeds: int | None = None
    tuned_levels: Mapping[str, Mapping[str, float]] = {}
    extra_seeds: Mapping[str, Mapping[str, int]] = {}


DIGITS = DATASETS["digits"].title
WIDTHS: dict[str | tuple[str, str], float] = {
    "alexnet-32": 1 / 6,
    (DIGITS, "alexnet-32"): 1 / 12,
    (DIGITS, "four-layer"): 1 / 4,
    (DIGITS, "document"): 1 / 8,
    (DIGITS, "document-pooled"): 1 / 8,
}

# The recipe of Krizhevsky et al. 2012, section 5, for photographs. Adam's rate of 0.002 becomes 0.01 for SGD: factor 5.
PAPER = {
    "optimiser": "sgd",
    "schedule": "plateau",
    "weight_decay": 5e-4,
    "initial": "paper",
    "augmentation": "paper",
    "dropout": 0.5,
}
RATE = 5.0
UNGROUPED = {"alexnet-32": "ungrouped"}
CAFFENET = {"alexnet-32": "caffenet-128"}  # the network of Mishkin et al. 2017

SMOKE = Profile(
    "smoke",
    {"alexnet-32": 1 / 16, "four-layer": 1 / 4, "document": 1 / 16, "document-pooled": 1 / 16},
    256,
    {"alexnet-32": 2},
    seeds=2,
    rounds=5,
    elements=2**22,
    large=False,
    printed_epochs=1 / 80,
)

PROFILES = {
    profile.name: profile
    for profile in (
        SMOKE,
        Profile(
            "quick",
            WIDTHS,
            4_000,
            {"alexnet-32": 24, (DIGITS, "alexnet-32"): 16, "four-layer": 20, (DIGITS, "four-layer"): 24},
            seeds=5,
            rounds=15,
            elements=2**24,
        ),
        Profile("standard", WIDTHS, 10_000, {"alexnet-32": 24}, seeds=10),
        Profile("full", {}, 50_000, {"alexnet-32": 24}, seeds=10),
        Profile("imagenet", {}, 2_000_000, {"alexnet-32": 90}, seeds=3, layouts=UNGROUPED, levels=PAPER, rate=RATE),
        Profile("imagenet-quick", {}, 200_000, {"alexnet-32": 20}, seeds=5, layouts=CAFFENET, levels=PAPER, rate=RATE),
        replace(
            SMOKE, name="imagenet-smoke", widths={"caffenet-128": 1 / 16}, layouts=CAFFENET, levels=PAPER, rate=RATE
        ),
    )
}


def default_profile(device: str) -> str:
    """Return the name of the profile for `--profile auto`."""
    return "quick" if device == "cpu" else "standard"
