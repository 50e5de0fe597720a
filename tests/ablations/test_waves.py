"""The wave and the number of seeds of every job, in small studies of this file's own."""

import dataclasses

import pytest

from ablations import (
    AGAIN,
    Ask,
    Claim,
    Contrast,
    ModelConfig,
    Requires,
    Setting,
    Study,
    Switch,
    Timing,
    Tuning,
    designs,
)
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.request import Request
from ablations.framework.seeds import INTERIM_ANALYSES, last_seeds
from ablations.framework.study import SHUFFLED
from ablations.framework.tuning import tune
from ablations.framework.waves import CHECKS, FURTHER, NAMED, STATED, StudyWaves
from bench.spec.config import DataConfig
from bench.spec.jobs import Probe, Trial
from bench.spec.jobs import Timing as TimingJob

FIRST, *_, LAST = INTERIM_ANALYSES
FIXED = FIRST + 1  # the profile's number of seeds
DATA = DataConfig("0123456789abcdef", classes=10, train=45_000)
SETTING = Setting(dataclasses.replace(PROFILES["quick"], seeds=FIXED), DATA)

ARMS = {
    "base": {},
    "stated": {"dropout": 0.5},
    "check": {"dropout": 0.3},
    "book": {"dropout": 0.7},
    "other": {"dropout": 0.2},
}
CLAIM = Claim(
    "claim",
    "A sentence",
    stated=(Contrast("test/accuracy", "stated", "base", margin=1),),
    beyond={"less": Contrast("test/accuracy", "check", "base", margin=1)},
)
BOOK = Claim("book", "A sentence", (Contrast("test/accuracy", "book", "stated", margin=1),), kind="literature")


def make_study(name="augmentation", **fields):
    return Study(**{"question": "?", "claims": (CLAIM,), "arms": ARMS, "name": name} | fields)


def waves_by_arm(study, setting=SETTING):
    """Return the wave of each seed, by arm."""
    waves = {}
    for place in expand_study(study, setting):
        if isinstance(place.job, Trial):
            waves.setdefault(place.arm, []).append(place.wave)
    return waves


def test_stated_arms_get_the_first_look_and_all_others_the_profiles_seeds():
    assert waves_by_arm(make_study()) == {
        "base": [NAMED] * FIRST + [STATED],  # its control needs one seed more
        "stated": [NAMED] * FIRST,
        "check": [CHECKS] * FIXED,
        "book": [CHECKS] * FIXED,
        "other": [CHECKS] * FIXED,
        AGAIN: [STATED] * FIXED,
        SHUFFLED: [STATED] * FIXED,
    }


def test_only_the_named_ablations_are_in_the_first_wave():
    waves = waves_by_arm(make_study("depth"))
    assert waves["stated"] == [STATED] * FIRST and waves["base"] == [STATED] * FIXED


def test_further_looks_have_a_wave_of_their_own_before_the_checks():
    setting = SETTING._replace(extra_seeds={"augmentation": {"stated": LAST, "base": LAST}})
    waves = waves_by_arm(make_study(), setting)
    assert waves["stated"] == [NAMED] * FIRST + [FURTHER] * (LAST - FIRST)
    assert waves["base"] == [NAMED] * FIRST + [STATED] + [FURTHER] * (LAST - FIXED)
    assert waves["check"] == [CHECKS] * FIXED


def test_seeds_of_a_stated_arm_that_only_a_check_or_the_literature_needs_come_last():
    assert waves_by_arm(make_study(claims=(CLAIM, BOOK)))["stated"] == [NAMED] * FIRST + [CHECKS]


@pytest.mark.parametrize("seeds", [1, 2, 20])
def test_a_requested_number_of_seeds_is_that_of_every_arm_and_there_are_no_looks(seeds):
    setting = SETTING._replace(seeds=seeds, extra_seeds={"augmentation": {"stated": LAST}})
    waves = waves_by_arm(make_study(), setting)
    assert {len(numbers) for numbers in waves.values()} == {seeds}
    assert FURTHER not in {wave for numbers in waves.values() for wave in numbers}
    assert last_seeds([make_study()], setting) == {}


def test_a_profile_with_fewer_seeds_than_the_first_look_has_no_looks():
    setting = SETTING._replace(profile=dataclasses.replace(SETTING.profile, seeds=FIRST - 1))
    assert {len(numbers) for numbers in waves_by_arm(make_study(), setting).values()} == {FIRST - 1}


def test_the_arm_of_a_precondition_is_as_early_as_its_claim():
    claim = dataclasses.replace(CLAIM, requires=(Requires("train/accuracy", "other", at_least=95),))
    study = make_study(claims=(claim,))
    assert waves_by_arm(study)["other"] == [NAMED] * FIRST
    assert set(last_seeds([study], SETTING)["augmentation"]) == {"stated", "base", "other"}


def test_a_combination_stands_for_its_arms():
    combined = Claim("claim", "A sentence", (Contrast("test/accuracy", "slope", 0.0, margin=0.3),))
    weights = {"slope": designs.slope({"stated": 1, "check": 2})}
    waves = waves_by_arm(make_study(claims=(combined,), combinations=weights))
    assert waves["stated"] == waves["check"] == [NAMED] * FIRST


def test_a_factorial_has_a_fixed_number_of_seeds_in_the_second_wave():
    switches = {name: Switch({factor: on}, {}) for name, factor, on in (("a", "dropout", 0.5), ("b", "width", 0.5))}
    study = make_study("mine", **designs.full_factorial(switches, margin=1))
    assert set(map(tuple, waves_by_arm(study).values())) == {(STATED,) * FIXED}


@pytest.mark.parametrize("kind, wave", [("claim", NAMED), ("literature", CHECKS)])
def test_a_probe_examines_a_fixed_number_of_seeds_in_the_wave_of_its_claim(kind, wave):
    probed = Claim("claim", "A sentence", (Contrast("masks/accuracy", "scaled", "masks", margin=1),), kind=kind)
    study = make_study(claims=(probed,), probes=(Ask("sub-networks", ("stated",), ("scaled", "masks")),))
    (place,) = [place for place in expand_study(study, SETTING) if isinstance(place.job, Probe)]
    assert place.wave == wave and len(place.job.trials) == FIXED
    assert waves_by_arm(study)["stated"] == [wave] * FIXED
    assert last_seeds([study], SETTING) == {}


def test_a_probe_that_answers_for_its_arm_is_found_by_the_arm():
    probed = Claim("claim", "A sentence", (Contrast("features/rank/fc7", "stated", "check", margin=1),))
    study = make_study(claims=(probed,), probes=tuple(Ask("co-adaptation", (arm,)) for arm in ("stated", "other")))
    assert [place.wave for place in expand_study(study, SETTING) if isinstance(place.job, Probe)] == [NAMED, CHECKS]


def test_a_timed_claim_trains_no_arm_of_the_same_name():
    timed = Claim("claim", "A sentence", (Contrast("time/step_ms", "stated", "base", margin=1.25, ratio=True),))
    timings = (TimingJob("steps", (("stated", ModelConfig()), ("base", ModelConfig())), (128,), 5),)
    study = make_study(claims=(timed,), timings=lambda setting: timings)
    assert waves_by_arm(study)["stated"] == [CHECKS] * FIXED
    assert [place.wave for place in expand_study(study, SETTING) if isinstance(place.job, Timing)] == [STATED]


TUNED = make_study(tuning=Tuning("learning_rate", (0.001, 0.002, 0.004), ("stated", "check")))


def test_tuning_comes_in_the_wave_that_needs_its_level():
    waves = {place.job.model.dropout: place.wave for place in tune(TUNED, SETTING, lambda trial: None).trials}
    assert waves == {0.5: STATED, 0.3: CHECKS}


def test_a_claim_with_tuned_arms_waits_for_the_second_wave():
    setting = SETTING._replace(tuned_levels={"augmentation": {"stated": 0.001, "check": 0.002}})
    assert waves_by_arm(TUNED, setting)["stated"] == [STATED] * FIRST


def test_jobs_are_ordered_by_wave_and_then_seed_by_seed_with_tuning_first():
    studies = [make_study("mine"), TUNED]
    request = Request((), studies, SETTING, None).with_tuned_levels(lambda trial: None, assume_missing=True)
    trials = [place for place in request.placed_jobs() if isinstance(place.job, Trial)]
    keys = [(place.wave, place.seed if place.seed < 500 else -1) for place in trials]
    assert keys == sorted(keys)
    compared = [
        place.arm in ("stated", "base", "check") for place in trials if place.wave == STATED and place.seed == 0
    ]
    assert compared == sorted(compared, reverse=True)


def test_the_last_look_counts_for_the_arms_of_stated_comparisons():
    assert last_seeds([make_study()], SETTING) == {"augmentation": {"stated": LAST, "base": LAST}}
    assert StudyWaves(make_study(), SETTING).seeds("stated") == FIRST
