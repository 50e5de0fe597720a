"""The setting of a run: how much to spend on a study, on which data and device."""

from collections.abc import Mapping
from typing import NamedTuple

from ablations.framework.profiles import PROFILES, Profile
from bench.spec.config import DataConfig
from bench.spec.errors import InputError

AGAIN_SEED_OFFSET = 1000  # the A/A arm repeats the baseline under seeds from here on; all other seeds lie below


class Setting(NamedTuple):
    """Values that a run adds to a study.

    Attributes:
        profile: Width, images, epochs and seeds.
        data: The data set.
        device: 'cpu' or 'cuda'.
        precision: 'float32' or 'bfloat16'.
        seeds: Number of seeds per arm that the user requested; None for the study's or the profile's number.
        tuned_levels: The levels that tuning chose, by study and arm.
        extra_seeds: Total number of seeds by (study, arm), where a sequential run needs more than the study's number;
            None for a run with a fixed number of seeds.
    """

    profile: Profile
    data: DataConfig
    device: str = "cpu"
    precision: str = "float32"
    seeds: int | None = None
    tuned_levels: Mapping[str, Mapping[str, float]] = {}
    extra_seeds: Mapping[tuple[str, str], int] | None = None


def make_setting(profile: str, seeds: int | None, data: DataConfig, device: str) -> Setting:
    """Return the setting of a run, in bfloat16 on a GPU and in float32 on a CPU.

    Args:
        profile: Name of the profile.
        seeds: Number of seeds per arm; None for the study's or the profile's number.
        data: The data set.
        device: 'cpu' or 'cuda'.

    Raises:
        InputError: The number of seeds or the device is invalid.
    """
    if seeds is not None and not 1 <= seeds <= AGAIN_SEED_OFFSET:
        raise InputError(f"--seeds is {seeds}: it must be 1 to {AGAIN_SEED_OFFSET}")
    if device not in ("cpu", "cuda"):
        raise InputError(f"the device is {device!r}; it can be cpu, cuda")
    precision = "bfloat16" if device == "cuda" else "float32"
    return Setting(PROFILES[profile], data, device, precision, seeds)
