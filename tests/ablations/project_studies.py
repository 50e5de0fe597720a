"""The studies of the project and their jobs, for the tests of this folder."""

import pytest

from ablations import Setting
from ablations.framework import discovery
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from bench.spec.config import DataConfig
from bench.spec.jobs import Trial

DATA = DataConfig("0123456789abcdef", classes=10, train=45_000, name="CIFAR-10")
DIGITS = DataConfig("fedcba9876543210", classes=10, train=1_302, name="digits")
STUDIES = discovery.find_studies([])
each_study = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
each_with_arms = pytest.mark.parametrize("study", [s for s in STUDIES if s.arms], ids=lambda study: study.name)
each_with_controls = pytest.mark.parametrize(
    "study", [s for s in STUDIES if s.arms and s.claims], ids=lambda study: study.name
)
SMALL = {study.name for study in STUDIES if study.recipe or study.base.get("layout") == "four-layer"}
each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def make_setting(study, profile=PROFILES["quick"], data=DATA):
    """Make a setting in which each arm with a tuning of its own has another level."""
    arms, level = (study.tuning.arms, study.tuning.grid[1]) if study.tuning else ((), 0)
    levels = {arm: level * (1.001 + place / 100) for place, arm in enumerate(arms)}
    return Setting(profile, data, "cuda" if study.name == "gpu" else "cpu", tuned_levels={study.name: levels})


def place_jobs(name, profile="quick", data=DATA):
    study = discovery.find_studies([name])[0]
    return expand_study(study, make_setting(study, PROFILES[profile], data))


def find_trials(name, arm, profile="quick", data=DATA):
    return [p.job for p in place_jobs(name, profile, data) if isinstance(p.job, Trial) and p.arm == arm]
