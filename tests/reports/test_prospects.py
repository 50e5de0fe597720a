"""Differences that a plan's seeds can decide."""

import dataclasses
import math

import fabricate
import pytest

from ablations import AGAIN, Contrast, Switch
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.evidence import gather
from reports.prospects import estimate_prospects
from reports.statistics import power, summary
from reports.statistics.paired_tests import standard_deviation
from reports.text.planning import describe_prospects


@pytest.fixture
def planned(tmp_path):
    study, setting = fabricate.activations(), fabricate.setting(5)
    fabricate.write(tmp_path, [study], setting)
    return study, setting, tmp_path


def lines(study, setting, out):
    return describe_prospects(estimate_prospects(study, setting, out))


def test_without_a_record_of_the_baseline_again_there_is_no_pilot(tmp_path):
    assert lines(fabricate.activations(), fabricate.setting(), tmp_path) == [
        ("relu-better", "test accuracy: no pilot yet"),
        ("relu-gap", "overfitting gap (train minus test accuracy): no pilot yet"),
    ]


def test_a_study_that_trains_nothing_has_nothing_to_plan(tmp_path):
    assert lines(fabricate.sizes(), fabricate.setting(), tmp_path) == []


def test_the_pilots_deviation_gives_effects_and_seeds(planned):
    """Each metric and margin has a line, with the numbers that statsmodels and the noncentral t give."""
    study, setting, out = planned
    results = gather(out, [study], setting).results
    differences = summary.paired_differences(results, AGAIN, "relu", "test/accuracy") * 100
    deviation = standard_deviation(list(differences))
    sentences = [sentence for claim, sentence in lines(study, setting, out) if claim == "relu-better"]
    assert len(sentences) == 2
    for sentence, margin in zip(sentences, (1.0, 0.5), strict=True):
        unit = "point" if margin == 1 else "points"
        supportable = power.supportable_difference(deviation, 5, margin)
        assert f"5 seeds detect {power.detectable_difference(deviation, 5):.3g} points" in sentence
        assert f", support the claim from {supportable:.3g} points; " in sentence
        assert f"the margin, {margin:g} {unit}, takes {power.pairs_to_detect(deviation, margin)} seeds to" in sentence
        assert f"detect, {power.pairs_to_equate(deviation, margin)} to rule out (pilot of 5 pairs)" in sentence


def test_one_seed_decides_nothing_whatever_the_pilot_says(planned):
    study, setting, out = planned
    one_seed = setting._replace(seeds=1)
    assert "no pilot yet" in lines(study, one_seed, out)[0][1]


def test_with_looks_a_claim_is_planned_for_the_pairs_of_the_last_one(planned):
    study, setting, out = planned
    literature = dataclasses.replace(study.claims[0], id="other", kind="literature")
    study = dataclasses.replace(study, claims=(*study.claims, literature))
    seeds = {claim: prospect.seeds for claim, prospect in estimate_prospects(study, setting._replace(seeds=None), out)}
    assert seeds == {"relu-better": INTERIM_ANALYSES[-1], "relu-gap": INTERIM_ANALYSES[-1], "other": 5}


def plan_combination(planned, weights, **fields):
    """Return the prospect of a weighted sum of arms, and the deviation of the baseline under other seeds."""
    study, setting, out = planned
    part = Contrast("test/accuracy", "a sum", 0.0, margin=1)
    claims = (dataclasses.replace(study.claims[0], id="sum", stated=(part,), beyond={}, published=()),)
    study = dataclasses.replace(study, combinations={"a sum": weights}, claims=claims, **fields)
    results = gather(out, [fabricate.activations()], setting).results
    again = summary.select_values(results, AGAIN, "test/accuracy") * 100
    (prospect,) = (prospect for _, prospect in estimate_prospects(study, setting, out))
    return prospect, standard_deviation(list(again))


def test_a_weighted_sum_is_planned_with_its_own_deviation(planned):
    """Weights 0.3 and -0.4: variances add up to 0.25 of a trial's, the deviation is half."""
    prospect, deviation = plan_combination(planned, {"relu": 0.3, "tanh": -0.4})
    assert prospect.detectable == pytest.approx(power.detectable_difference(deviation / 2, 5))
    assert prospect.seeds_to_detect == power.pairs_to_detect(deviation / 2, 1)


def test_a_seed_of_a_factorial_gives_half_as_many_pairs_as_it_has_arms(planned):
    """Four arms: with a main effect each seed has two trials on either side, so five seeds are ten pairs."""
    arms = {"relu": {}, "tanh": {"activation": "tanh"}, "c": {"dropout": 0.1}, "d": {"dropout": 0.2}}
    weights = {"relu": 0.5, "tanh": 0.5, "c": -0.5, "d": -0.5}
    switches = {"dropout": Switch(on={}, off={"dropout": 0.1})}
    prospect, deviation = plan_combination(planned, weights, arms=arms, switches=switches)
    pair_deviation = math.sqrt(2) * deviation
    assert prospect.detectable == pytest.approx(power.detectable_difference(pair_deviation, 10))
    assert prospect.seeds_to_detect == math.ceil(power.pairs_to_detect(pair_deviation, 1) / 2)
