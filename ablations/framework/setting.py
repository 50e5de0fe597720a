"""The setting of a run: profile, seeds, data and device."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from ablations.framework.profiles import Profile
from bench.spec.config import DataConfig

AGAIN_SEED_OFFSET = 1000  # the A/A arm repeats the baseline under seeds from here on; all other seeds lie below
Seeds = Annotated[int, Field(ge=1, le=AGAIN_SEED_OFFSET)]  # a number of seeds


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
