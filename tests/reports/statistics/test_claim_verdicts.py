import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations import Claim, Contrast, Exact, Published
from reports.statistics.claim_verdicts import VERDICTS, judge
from reports.statistics.pairs import Design
from reports.tables.observations import Observation
from reports.text.comparisons import part_unit
from reports.text.formatting import TIMES
from reports.text.reasons import explain_outcome
from reports.verdict_json import judgement_to_json

ACCURACY, STEPS = "test/accuracy", "speed/steps_to_train_error_25"
NOISE = (-0.2, 0.1, 0.0, 0.2, -0.1)  # in points; the mean is 0, the standard deviation 0.158


def rows(arm, values, metric=ACCURACY, **fields):
    """Make one observation per value, in the stored unit; the index of a value is its pair."""
    return [
        Observation("study", arm, pair, metric, value, identity=f"{arm}{pair}", **fields)
        for pair, value in enumerate(values)
    ]


def points(center, noise=NOISE):
    return [(center + wobble) / 100 for wobble in noise]


def table(*groups):
    return pd.DataFrame([row for group in groups for row in group], columns=list(Observation._fields))


def claim(*parts, **fields):
    return Claim(fields.pop("id", "claim"), "A sentence", parts, **fields)


def explain(judgement):
    return explain_outcome(judgement.main)


def verdict_of(part, *groups):
    (judgement,) = judge([("study", claim(part))], table(*groups))
    return judgement


def against_base(difference, noise=NOISE, margin=1.0, direction="higher"):
    """Judge an arm that differs from a base without spread by this number of points."""
    part = Contrast(ACCURACY, "arm", "base", margin, direction)
    return verdict_of(part, rows("arm", points(50 + difference, noise)), rows("base", points(50, [0] * len(noise))))


@pytest.mark.parametrize(
    "difference, direction, verdict",
    [
        (2, "higher", "supported"),
        (-2, "higher", "refuted"),
        (-2, "lower", "supported"),
        (2, "lower", "refuted"),
        (0, "higher", "negligible"),
        (0.95, "higher", "inconclusive"),
        (0, "equal", "supported"),
        (2, "equal", "refuted"),
        (-2, "equal", "refuted"),
        (1.1, "equal", "inconclusive"),
    ],
)
def test_the_rules_with_a_margin_of_one_point(difference, direction, verdict):
    assert against_base(difference, direction=direction).verdict == verdict


def test_the_numbers_are_arm_minus_reference_in_points_whatever_the_direction():
    outcome = against_base(-2, direction="lower").main
    half = 2.776445 * math.sqrt(0.025 / 5)  # t of four degrees of freedom; the noise's variance is 0.025
    assert outcome.estimate == pytest.approx(-2)
    assert outcome.interval == pytest.approx((-2 - half, -2 + half), abs=1e-5)
    assert outcome.differences == pytest.approx([-2.2, -1.9, -2.0, -1.8, -2.1])
    assert (part_unit(outcome.part), outcome.margin, outcome.pairs, outcome.improvement) == ("points", 1, 5, 1)
    assert outcome.effect_size == pytest.approx(-2 / math.sqrt(0.025))
    assert outcome.sign_flip_p == 2 / 2**5
    assert outcome.trials == tuple(sorted(f"{arm}{pair}" for arm in ("arm", "base") for pair in range(5)))


def test_wide_noise_is_underpowered_and_says_how_many_pairs_would_decide():
    judgement = against_base(0.3, noise=(-2, 1, 0, 2, -1))
    assert judgement.verdict == "underpowered"
    assert judgement.main.needed == 22  # standard deviation 1.58 against a margin of 1
    assert explain(judgement) == (
        "the 95 % interval reaches further to either side than the margin of 1 point; "
        "about 22 pairs would show an effect as large as the margin, power 0.8"
    )


def test_an_underpowered_equivalence_names_the_pairs_that_it_needs():
    reason = explain(against_base(0.3, noise=(-2, 1, 0, 2, -1), direction="equal"))
    assert reason.endswith("pairs would show equivalence, if the arms are equal, power 0.8")


@pytest.mark.parametrize("difference", [0, 2])
def test_two_equal_differences_decide_nothing(difference):
    judgement = against_base(difference, noise=(0, 0))
    assert (judgement.verdict, judgement.main.estimate) == ("underpowered", pytest.approx(difference))
    assert (judgement.main.reason, judgement.main.interval, judgement.main.needed) == ("two_pairs_equal", None, None)


def test_a_small_significant_difference_is_not_support():
    judgement = against_base(0.95)
    assert judgement.main.p_value < 0.001
    assert (judgement.verdict, judgement.main.reason) == ("inconclusive", "below_margin")


@pytest.mark.parametrize(
    "difference, direction, reason",
    [
        (2, "higher", "margin_reached"),
        (2, "lower", "margin_reached_against_claim"),
        (0, "higher", "negligible_none_shown"),
        (0.5, "higher", "negligible_though_shown"),
        (0, "equal", "within_margin"),
        (2, "equal", "beyond_margin"),
        (1.1, "equal", "across_margin"),
    ],
)
def test_a_reason_says_what_was_tested_and_no_more(difference, direction, reason):
    assert against_base(difference, direction=direction).main.reason == reason


def test_no_pair_is_not_run_and_one_pair_is_underpowered():
    part = Contrast(ACCURACY, "arm", "base", 1)
    assert verdict_of(part).verdict == "not run"
    lone = verdict_of(part, rows("arm", [0.5]), rows("base", [0.4, 0.4]))
    assert (lone.verdict, lone.main.estimate, lone.main.interval, lone.main.missing) == (
        "underpowered",
        pytest.approx(10),
        None,
        1,
    )
    assert explain(lone) == "one pair has no spread to judge by; at least 2 are needed; 1 pair missing"


def test_values_that_are_not_finite_count_as_missing():
    result = verdict_of(
        Contrast(ACCURACY, "arm", "base", 1), rows("arm", [0.5, math.nan, 0.5]), rows("base", [0.4, 0.4, 0.41])
    )
    assert (result.main.pairs, result.main.missing) == (2, 1)


def test_a_constant_reference_is_in_the_stored_unit():
    part = Contrast("sparsity/zeros/mean", "relu", 0.5, margin=5)
    result = verdict_of(part, rows("relu", points(70), metric="sparsity/zeros/mean"))
    assert (result.verdict, result.main.correlation) == ("supported", None)
    assert result.main.estimate == pytest.approx(20)


def test_a_ratio_is_a_geometric_mean_with_a_margin_of_a_factor():
    part = Contrast(STEPS, "tanh", "relu", 1.1, ratio=True)
    result = verdict_of(part, rows("tanh", [200, 420, 180], STEPS), rows("relu", [100, 200, 100], STEPS))
    assert result.verdict == "supported"
    assert result.main.estimate == pytest.approx((2 * 2.1 * 1.8) ** (1 / 3))
    assert result.main.differences == pytest.approx([2, 2.1, 1.8])
    assert result.main.interval[0] * result.main.interval[1] == pytest.approx(result.main.estimate**2)
    assert (part_unit(result.main.part), result.main.margin) == (TIMES, 1.1)


def censor(values, *pairs):
    return [row._replace(censored=row.pair in pairs) for row in rows(*values)]


def steps(tanh, relu, direction="higher", margin=1.1):
    return verdict_of(Contrast(STEPS, "tanh", "relu", margin, direction, ratio=True), tanh, relu)


def test_a_censored_value_that_cannot_change_the_verdict_is_kept():
    result = steps(censor(("tanh", [300, 310, 300], STEPS), 0, 2), rows("relu", [100, 110, 105], STEPS))
    assert (result.verdict, result.main.pairs, result.main.censored) == ("supported", 3, 2)
    assert explain(result).endswith("; 2 values not reached within the budget")


def test_a_censored_value_that_could_reverse_the_difference_decides_nothing():
    result = steps(rows("tanh", [300, 310, 305], STEPS), censor(("relu", [100, 110, 105], STEPS), 1))
    assert result.verdict == "inconclusive"


def test_censored_values_never_make_a_difference_negligible():
    tanh, relu = [100, 101, 99, 100], [100, 100, 100, 101]
    assert steps(rows("tanh", tanh, STEPS), rows("relu", relu, STEPS)).verdict == "negligible"
    result = steps(censor(("tanh", tanh, STEPS), 1), rows("relu", relu, STEPS))
    assert result.verdict == "inconclusive"
    assert explain(result).startswith("the values that were not reached may lie anywhere beyond the margin")


def test_pairs_in_which_neither_value_is_reached_are_left_out_and_counted():
    result = steps(censor(("tanh", [300, 400, 400], STEPS), 1, 2), censor(("relu", [100, 400, 400], STEPS), 1, 2))
    assert (result.verdict, result.main.pairs, result.main.censored, result.main.missing) == ("inconclusive", 1, 4, 0)
    assert explain(result).startswith("too few pairs have a value that was reached")


def test_a_busy_machine_decides_nothing_and_does_not_enter_the_correction():
    part = Contrast("time/step_ms", "tanh", "relu", 1.05, ratio=True)
    groups = rows("tanh", [2.0, 2.1, 2.2], "time/step_ms", fit=False), rows("relu", [1.0, 1.0, 1.1], "time/step_ms")
    result = verdict_of(part, *groups)
    assert (result.verdict, result.main.p_value) == ("inconclusive", None)
    assert result.main.estimate > 1.9
    assert explain(result) == "the machine was busy while this was timed"


@pytest.mark.parametrize(
    "value, verdict", [(61_999_999, "refuted"), (62e6, "supported"), (62_378_344, "supported"), (62.6e6, "refuted")]
)
def test_an_exact_claim_holds_from_its_lower_bound_to_below_its_upper_one(value, verdict):
    part = Exact("parameters/total", "ungrouped", 62e6, 62.6e6)
    result = verdict_of(part, rows("ungrouped", [value], "parameters/total"))
    assert (result.verdict, result.main.estimate, result.main.interval) == (verdict, value, None)


def test_an_exact_claim_can_be_of_a_share_or_of_a_ratio():
    share = verdict_of(Exact("macs/conv_share", "a", 0.945, 0.955), rows("a", [0.9484], "macs/conv_share"))
    assert (share.verdict, part_unit(share.main.part), share.main.estimate) == ("supported", "%", pytest.approx(94.84))
    assert explain(share) == "the count is 94.8 %, as stated: 94.5 to below 95.5 %"
    part = Exact("parameters/conv2", "pair", 0, 1, reference="5x5")
    metric = "parameters/conv2"
    ratio = verdict_of(part, rows("pair", [18], metric), rows("5x5", [25], metric))
    assert (ratio.verdict, part_unit(ratio.main.part), ratio.main.estimate) == ("supported", TIMES, 0.72)
    assert explain(ratio) == f"the count is {TIMES}0.72, as stated: below {TIMES}1"
    assert verdict_of(part, rows("pair", [25], metric), rows("5x5", [25], metric)).verdict == "refuted"
    assert verdict_of(part).verdict == "not run"


def several(*differences, **fields):
    """Make a claim of several parts, each an arm against the base with a margin of one point."""
    groups = [rows("base", points(50, [0] * 5))]
    parts = []
    for index, difference in enumerate(differences):
        parts.append(Contrast(ACCURACY, f"arm {index}", "base", 1))
        groups.append([] if difference is None else rows(f"arm {index}", points(50 + difference)))
    (judgement,) = judge([("study", claim(*parts, **fields))], table(*groups))
    return judgement


@pytest.mark.parametrize(
    "differences, verdict, deciding",
    [
        ((2, 3), "supported", 0),
        ((2, 0), "negligible", 1),
        ((2, None), "not run", 1),
        ((None, -2), "refuted", 1),
        ((0.95, 0, 2), "inconclusive", 0),
        ((2, 0.95), "inconclusive", 1),
    ],
)
def test_a_claim_joined_by_and_needs_every_part(differences, verdict, deciding):
    result = several(*differences)
    assert (result.verdict, result.deciding) == (verdict, deciding)


def test_a_difference_that_may_be_chance_among_many_claims_is_not_support():
    noise = (-0.9, 0.6, -0.3, 0.9, -0.3)
    single_claim = against_base(1.1, noise)
    assert (single_claim.verdict, single_claim.main.p_value < 0.05) == ("supported", True)
    groups = [rows(f"arm {n}", points(51.1, noise)) for n in range(10)] + [rows("base", points(50, [0] * 5))]
    parts = [Contrast(ACCURACY, f"arm {n}", "base", 1) for n in range(10)]
    among = judge([("study", claim(part, id=part.arm)) for part in parts], table(*groups))[0]
    assert (among.verdict, among.main.p_holm > 0.05) == ("inconclusive", True)
    assert explain(among) == "the margin is reached, but among so many claims that may be chance"


def test_a_judgement_is_strict_json_with_all_that_it_rests_on():
    wild = verdict_of(
        Contrast(STEPS, "tanh", "relu", 1.1, ratio=True),
        rows("tanh", [1e-150, 1e150], STEPS),
        rows("relu", [1, 1], STEPS),
    )
    result = several(2, None, published=(Published("+3.6", "Zhang"),))
    for judgement in (wild, result):
        json.dumps(judgement_to_json(judgement), allow_nan=False)
    exported = judgement_to_json(result)
    assert (exported["id"], exported["study"], exported["verdict"], exported["pairs"]) == (
        "claim",
        "study",
        "not run",
        0,
    )
    assert exported["published"] == [{"value": "+3.6", "source": "Zhang"}]
    assert exported["stated"][0]["part"]["arm"] == "arm 0"
    assert exported["stated"][0]["differences"] == pytest.approx([1.8, 2.1, 2.0, 2.2, 1.9])


values = st.lists(st.floats(0, 1).map(lambda x: round(x, 4)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(values, values, st.sampled_from(("higher", "lower")), st.floats(0.1, 20))
def test_reversing_the_direction_turns_support_into_refutation(arm, base, direction, margin):
    groups = rows("arm", arm), rows("base", base)
    other = "lower" if direction == "higher" else "higher"
    contrasts = (Contrast(ACCURACY, "arm", "base", margin, name) for name in (direction, other))
    judgement, mirrored = (verdict_of(contrast, *groups) for contrast in contrasts)
    mirror = {"supported": "refuted", "refuted": "supported"}
    assert judgement.verdict in VERDICTS
    assert mirrored.verdict == mirror.get(judgement.verdict, judgement.verdict)
    assert judgement.main.estimate == mirrored.main.estimate


def test_a_baseline_against_itself_is_rarely_judged_to_differ():
    """1,000 random splits of 20 seeds into pairs, at a margin so small that p alone decides."""
    random = np.random.default_rng(2)
    seeds = random.normal(0.7, 0.007, 20)
    groups, claims = [], []
    for split in range(1000):
        first, second = random.permutation(seeds).reshape(2, 10)
        groups += [[row._replace(study=str(split)) for row in (*rows("one", first), *rows("two", second))]]
        claims.append((str(split), claim(Contrast(ACCURACY, "one", "two", 0.001), kind="control")))
    verdicts = [judgement.verdict for judgement in judge(claims, table(*groups))]
    assert sum(verdict in ("supported", "refuted") for verdict in verdicts) <= 60


def judge_parts(claims, *groups, designs=None):
    """Judge claims, each of (kind, part), and return their outcomes."""
    named = [("study", claim(part, id=str(n), kind=kind)) for n, (kind, part) in enumerate(claims)]
    return [judgement.main for judgement in judge(named, table(*groups), designs=designs)]


def test_each_kind_of_claim_is_a_family_and_timings_are_one_of_their_own():
    """Two claims, two timings, one of the literature, two controls: Holm's factors are 2, 2, 1 and 2."""
    time = "time/step_ms"
    arms = "abcdefg"
    groups = [rows(arm, points(52 + 0.1 * n, np.roll(NOISE, n))) for n, arm in enumerate(arms)]
    groups += [rows("base", points(50, [0] * 5))]
    groups += [rows(arm, [2.0, 2.1, 2.2, 2.3, 2.4, 2.5 + n], time) for n, arm in enumerate(arms)]
    groups += [rows("base", [1.0] * 6, time)]
    kinds = ("claim", "claim", "claim", "claim", "literature", "control", "control")
    metrics = (ACCURACY, ACCURACY, time, time, ACCURACY, ACCURACY, ACCURACY)
    parts = [Contrast(metric, arm, "base", 0.5) for metric, arm in zip(metrics, arms, strict=True)]
    outcomes = judge_parts(list(zip(kinds, parts, strict=True)), *groups)
    factors = [outcome.p_holm / outcome.p_value for outcome in outcomes]
    for family in ((0, 1), (2, 3), (5, 6)):
        assert max(factors[index] for index in family) == pytest.approx(2)
    assert factors[4] == 1


def test_equal_trials_metric_and_direction_enter_a_family_once():
    groups = rows("arm", points(52)), rows("base", points(50, [0] * 5))
    parts = [Contrast(ACCURACY, "arm", "base", margin) for margin in (1, 1.5)]
    outcomes = judge_parts([("claim", part) for part in parts], *groups)
    assert [outcome.p_holm for outcome in outcomes] == [outcome.p_value for outcome in outcomes]


def test_a_part_against_its_claim_counts_once_for_each_part():
    result = several(2, -2, 2)
    assert result.verdict == "refuted"
    assert result.outcomes[1].p_holm == pytest.approx(3 * result.outcomes[1].p_value)
    assert result.outcomes[0].p_holm == result.outcomes[0].p_value


def test_timings_are_judged_by_their_median():
    """One of seven rounds was hit by something else: the mean ratio is 1.6, the median 1.2."""
    part = Contrast("time/step_ms", "tanh", "relu", 1.25, ratio=True)
    tanh = [1.2, 1.21, 1.19, 1.22, 1.2, 1.18, 9.0]
    outcome = verdict_of(part, rows("tanh", tanh, "time/step_ms"), rows("relu", [1.0] * 7, "time/step_ms")).main
    assert outcome.estimate == pytest.approx(1.2) and outcome.interval == pytest.approx((1.18, 9.0))
    assert (outcome.p_value, outcome.method) == (2 / 2**7, "signed rank test")
    assert (outcome.verdict, outcome.reason) == ("underpowered", "interval_too_wide")


def test_five_rounds_of_a_timing_are_too_few():
    part = Contrast("time/step_ms", "tanh", "relu", 1.25, ratio=True)
    groups = rows("tanh", [2, 2.1, 2.2, 2.3, 2.4], "time/step_ms"), rows("relu", [1.0] * 5, "time/step_ms")
    assert verdict_of(part, *groups).main.reason == "too_few_for_interval"


def test_what_has_no_looks_is_cut_at_the_fixed_number_and_stated_parts_of_claims_are_not():
    groups = rows("arm", points(52, [*NOISE] * 3), trained=True), rows("base", points(50, [0] * 15), trained=True)
    part = Contrast(ACCURACY, "arm", "base", 1)
    designs = {"study": Design(5, {"arm": 15, "base": 15})}
    kinds = ("claim", "literature", "control")
    outcomes = judge_parts([(kind, part) for kind in kinds], *groups, designs=designs)
    assert [(o.pairs, o.interim_analysis, o.waiting) for o in outcomes] == [(12, 4, 3), (5, None, 0), (5, None, 0)]
    outcomes = judge_parts([(kind, part) for kind in kinds], *groups, designs={"study": Design(7)})
    assert [(o.pairs, o.interim_analysis, o.missing) for o in outcomes] == [(7, None, 0)] * 3


def test_robustness_checks_are_cut_and_sink_nothing():
    groups = rows("arm", points(52, [*NOISE] * 2), trained=True), rows("base", points(50, [0] * 10), trained=True)
    check = rows("check", points(47, [*reversed(NOISE)] * 2), trained=True)
    beyond = {"elsewhere": Contrast(ACCURACY, "check", "base", 1)}
    designs = {"study": Design(4, {"arm": 10, "base": 10, "check": 10})}
    claims = [("study", claim(Contrast(ACCURACY, "arm", "base", 1), beyond=beyond))]
    (judgement,) = judge(claims, table(*groups, check), designs=designs)
    assert (judgement.verdict, judgement.main.pairs) == ("supported", 8)
    (result,) = judgement.checks
    assert (result.outcome.verdict, result.outcome.pairs, result.differs) == ("refuted", 4, True)
    assert result.interaction[0] == pytest.approx(-4.975)  # the first four of the noise
