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
        seeds: Number of seeds per arm that the user requested; None for the study's or the profile's number.
        tuned_levels: The levels that tuning chose, by study and arm.
        extra_seeds: Total number of seeds by study and arm, where a sequential run needs more than the study's number;
            None for a run with a fixed number of seeds.
    """

    profile: Profile
    data: DataConfig
    device: str = "cpu"
    seeds: int | None = None
    tuned_levels: Mapping[str, Mapping[str, float]] = {}
    extra_seeds: Mapping[str, Mapping[str, int]] | None = None

    @property
    def precision(self) -> str:
        """'bfloat16' on a GPU, 'float32' on a CPU."""
        return "bfloat16" if self.device == "cuda" else "float32"
