import dataclasses

import pytest
from project_studies import (
    DATA,
    DIGITS,
    SMALL,
    STUDIES,
    each_profile,
    each_study,
    each_with_arms,
    each_with_controls,
    find_trials,
    make_setting,
    place_jobs,
)

from ablations import AGAIN, Claim, Contrast, Setting, Study
from ablations.framework import expand
from ablations.framework.arm_trials import resolve_levels
from ablations.framework.expand import expand_study
from ablations.framework.profiles import AGAIN_SEED_OFFSET, PROFILES
from ablations.framework.seeds import INTERIM_ANALYSES, seeds_per_arm
from ablations.framework.study import SHUFFLED, Tuning, all_arms, all_claims
from bench.models import complexity
from bench.runner.pending import find_missing_jobs
from bench.spec.config import TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial, identity


def expand_or_refuse(study, profile, data=DATA):
    """Return the jobs; none where a study of small images is refused for photographs."""
    if study.name in SMALL and profile.photographs:
        with pytest.raises(InputError, match=r"(is|recipe) for images of 32 pixels; profile imagenet"):
            expand_study(study, make_setting(study, profile, data))
        return []
    placed = expand_study(study, make_setting(study, profile, data))
    assert placed
    return placed


@each_profile
@each_study
@pytest.mark.parametrize("data", [DATA, DIGITS], ids=["photographs", "digits"])
def test_every_study_builds_its_jobs_at_every_profile(study, profile, data):
    placed = expand_or_refuse(study, profile, data)
    assert len({identity(place.job) for place in placed}) == len({place.job for place in placed})
    seeds = set(range(max(INTERIM_ANALYSES[0], seeds_per_arm(study, make_setting(study, profile)))))
    assert {place.seed for place in placed if isinstance(place.job, Trial)} <= seeds


@each_profile
@each_study
def test_every_network_of_a_study_can_be_built(study, profile):
    models = set()
    for place in expand_or_refuse(study, profile):
        if isinstance(place.job, Trial | Count):
            models.add(place.job.model)
        elif isinstance(place.job, Timing):
            models.update(model for _, model in place.job.arms)
    assert all(complexity.count_network(model)["parameters"] > 0 for model in models)


@each_with_controls
def test_a_study_has_both_controls_where_accuracies_are_compared(study):
    compares_accuracy = any(part.metric == "test/accuracy" for claim in study.claims for part in claim.parts)
    expected_arms = {AGAIN, SHUFFLED} if compares_accuracy else {AGAIN} & {a for ask in study.probes for a in ask.arms}
    assert all_arms(study).keys() - study.arms.keys() == expected_arms
    controls = [claim for claim in all_claims(study, DATA) if claim.kind == "control"]
    suffixes = ["a-a", "shuffled"] if compares_accuracy else []
    assert [claim.id for claim in controls] == [f"{study.name}:{suffix}" for suffix in suffixes]
    assert {p.arm for p in place_jobs(study.name)} >= expected_arms
    if compares_accuracy:
        assert all(trial.recipe.labels == "shuffled" for trial in find_trials(study.name, SHUFFLED))


@each_profile
@each_with_controls
def test_the_repeated_baseline_differs_only_in_its_seeds_which_no_other_arm_uses(study, profile):
    if study.name in SMALL and profile.photographs:
        return
    control_trials, baseline = (find_trials(study.name, arm, profile.name) for arm in (AGAIN, study.baseline))
    assert [dataclasses.replace(t, seed=t.seed - AGAIN_SEED_OFFSET) for t in control_trials] == baseline[
        : len(control_trials)
    ]
    other_seeds = {p.job.seed for p in place_jobs(study.name, profile.name) if p.seed is not None and p.arm != AGAIN}
    assert other_seeds.isdisjoint(trial.seed for trial in control_trials)


@each_with_arms
def test_jobs_are_ordered_by_seed_so_that_an_interrupted_run_has_whole_pairs(study):
    seeds = [p.seed for p in place_jobs(study.name) if isinstance(p.job, Trial)]
    assert seeds == sorted(seeds)


@each_with_arms
def test_no_two_arms_of_a_study_are_the_same_trial(study):
    jobs = [p.job for p in place_jobs(study.name) if p.seed == 0]
    assert len(jobs) == len(set(jobs))


@pytest.mark.parametrize(
    "first, second",
    [
        (("dropout", "p = 0"), ("relu", "relu")),
        (("dropout", "p = 0"), ("augmentation", "none")),
        (("dropout", "p = 0"), ("kernels", "5x5")),
        (("dropout", "p = 0.5"), ("sub_networks", "p = 0.5")),
        (("dropout", "p = 0.5, with augmentation"), ("augmentation", "both, with dropout")),
        (("dropout", AGAIN), ("augmentation", AGAIN)),
        (("dropout", SHUFFLED), ("depth", SHUFFLED)),
    ],
    ids=lambda place: "/".join(place),
)
@pytest.mark.parametrize("profile", [name for name, profile in PROFILES.items() if not profile.photographs])
def test_arms_of_two_studies_share_their_trials_where_their_levels_coincide(first, second, profile):
    """One study may have more seeds than the other. For photographs the recipe of all others has dropout."""
    pairs = list(zip(find_trials(*first, profile), find_trials(*second, profile), strict=False))
    assert pairs and all(trial == same_trial for trial, same_trial in pairs)


def test_a_shared_trial_runs_once(tmp_path):
    jobs = [p.job for study in STUDIES for p in expand_study(study, make_setting(study))]
    missing_jobs = find_missing_jobs(jobs, tmp_path)
    assert len(missing_jobs) == len(set(missing_jobs)) < len(jobs)


def test_a_probe_examines_the_trials_of_its_arm():
    (probe,) = (p.job for p in place_jobs("lrn_competition") if isinstance(p.job, Probe))
    assert list(probe.trials) == find_trials("lrn_competition", "LRN")


def test_a_probe_examines_the_trials_of_its_arms_together():
    _, probe = (p.job for p in place_jobs("sub_networks") if isinstance(p.job, Probe))
    assert list(probe.trials) == find_trials("sub_networks", "p = 0.5") + find_trials("sub_networks", AGAIN)


def resolve(base=None, **arm):
    study = Study(question="?", claims=(), base=base or {}, arms={"base": {}, "arm": arm}, name="mine")
    return resolve_levels(study, "arm", Setting(PROFILES["quick"], DATA), {})[:2]


def test_share_and_epochs_multiply_the_profiles():
    (_, full), (_, half) = resolve(), resolve(share=0.5, epochs=0.5)
    assert half.share == full.share / 2
    assert half.epochs == round(full.epochs / 2)
    assert resolve(epochs=1e-6)[1].epochs == 1


def test_the_profile_sets_width_epochs_and_share():
    model, recipe = resolve()
    profile = PROFILES["quick"]
    assert (model.width, model.classes) == (profile.width(model.layout, DATA), 10)
    assert recipe.epochs == profile.epochs(model.layout, DATA)
    assert recipe.share * DATA.train == pytest.approx(profile.images)


PRINTED = TrainConfig(learning_rate=0.01, schedule="constant", epochs=160, optimiser="sgd")


def resolve_printed(profile="quick", **arm):
    study = Study("?", (), arms={"arm": arm}, recipe=PRINTED, name="mine")
    return resolve_levels(study, "arm", Setting(PROFILES[profile], DATA), {})[1]


def test_a_printed_recipe_is_taken_as_it_is_but_for_the_number_of_images():
    share = PROFILES["quick"].share(DATA)
    assert resolve_printed() == dataclasses.replace(PRINTED, share=share)
    levels = {"epochs": 16, "learning_rate": 0.002}
    assert resolve_printed(**levels, share=0.5) == dataclasses.replace(PRINTED, **levels, share=share / 2)
    assert resolve_printed(share=2.5).share == pytest.approx(2.5 * share) and resolve_printed(share=1e4).share == 1


def test_a_test_shortens_a_printed_recipe():
    assert resolve_printed("smoke").epochs == 2 and resolve_printed("smoke", epochs=10).epochs == 1


def test_an_arms_levels_replace_those_of_the_base():
    assert resolve({"dropout": 0.1}, dropout=0.2)[0].dropout == 0.2
    assert resolve({"dropout": 0.1})[0].dropout == 0.1


def test_an_unknown_factor_is_refused_with_those_that_exist():
    with pytest.raises(InputError, match=r"study mine, arm 'arm': factor 'drop-out' is unknown.*dropout.*augmentation"):
        resolve(**{"drop-out": 0.1})


def test_an_unknown_layout_is_refused_with_those_that_exist():
    with pytest.raises(InputError, match=r"study mine, arm 'arm': layout is 'vgg'; it can be .*alexnet-32"):
        resolve(layout="vgg")


def test_an_invalid_level_is_refused_with_its_study_and_arm():
    study = Study(name="mine", question="?", claims=(), arms={"a": {"dropout": "lots"}})
    with pytest.raises(InputError, match="study mine, arm 'a': dropout is 'lots'"):
        expand_study(study, Setting(PROFILES["smoke"], DATA))


def test_an_unknown_metric_is_refused():
    typo = Claim("mine", "A claim", (Contrast("test/acuracy", "a", "b", margin=1),))
    study = Study(name="mine", question="?", claims=(typo,), arms={"a": {}, "b": {"dropout": 0.0}})
    with pytest.raises(InputError, match="study mine, claim mine: metric 'test/acuracy' is unknown"):
        expand_study(study, Setting(PROFILES["smoke"], DATA))


def test_the_work_for_an_arm_does_not_grow_with_their_number(monkeypatch):
    calls = []
    monkeypatch.setattr(expand, "all_arms", lambda study: calls.append(study) or all_arms(study))
    arms = {f"arm {number}": {"dropout": number / 1000} for number in range(100)}
    placed = expand.expand_study(Study("?", (), arms=arms, name="mine"), Setting(PROFILES["smoke"], DATA))
    models = {id(place.job.model) for place in placed}
    assert len(calls) < 5 and len(models) == len(arms)  # the seeds of an arm share one configuration


ARMS = {"a": {}, "b": {"activation": "relu", "epochs": 1}, "c": {"activation": "tanh"}, "d": {}, "e": {"epochs": 0.9}}
TUNED = Tuning("learning_rate", (0.001, 0.002, 0.004), ("c", "d"))


@pytest.mark.parametrize(
    "pair, is_refused",
    [("ab", True), ("ac", False), ("ad", False), ("ae", False), (("again", "a"), False)],
    ids=["equal", "other level", "tuned", "other epochs, rounded", "control"],
)
def test_a_contrast_of_one_network_and_recipe_is_refused(pair, is_refused):
    claim = Claim("x", "X", (Contrast("test/accuracy", *pair, margin=1),))
    study = Study("?", (claim,), arms=ARMS, tuning=TUNED, name="mine")
    setting = make_setting(study, PROFILES["smoke"])._replace(tuned_levels={"mine": {"c": 0.001, "d": 0.001}})
    if is_refused:
        with pytest.raises(
            InputError, match="study mine, claim x: 'a' and 'b' are one and the same network and recipe"
        ):
            expand_study(study, setting)
    else:
        assert expand_study(study, setting)
