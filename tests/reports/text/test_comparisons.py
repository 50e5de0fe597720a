import handmade
import pytest

from ablations import Claim, Contrast, Exact
from reports.statistics.outcomes import Requirement
from reports.text.comparisons import (
    claimed_effect,
    claimed_range,
    describe_part,
    describe_requirement,
    describe_sample,
    describe_setting,
    format_bounds,
    format_estimate,
    format_pairs,
    part_unit,
)
from reports.text.formatting import MINUS, TIMES


def test_the_judged_value_has_the_unit_of_a_ratio_a_difference_or_a_level():
    assert part_unit(Contrast("test/accuracy", "a", "b", 1)) == "points"
    assert part_unit(Contrast("test/accuracy", "a", "b", 1.1, ratio=True)) == TIMES
    assert part_unit(Exact("macs/conv_share", "a", 0.9, 1)) == "%"
    assert part_unit(Exact("macs/total", "a", 0.9, 1, "b")) == TIMES


def test_a_comparison_names_its_reference_and_a_constant_has_its_unit():
    assert describe_part(Contrast("test/accuracy", "LRN", "none", 0.5)) == "test accuracy, LRN against none"
    assert describe_part(Contrast("sparsity/zeros/mean", "relu", 0.5, 5)) == "exact zeros, mean, relu against 50 %"
    assert describe_part(Exact("parameters/total", "torchvision", 1, 2)) == "parameters, total, torchvision"


def test_the_requirement_is_worded_like_the_rule():
    assert claimed_effect(Contrast("test/accuracy", "a", "b", 0.5)) == "at least +0.5"
    assert claimed_effect(Contrast("test/accuracy", "a", "b", 2, "lower")) == f"at most {MINUS}2"
    assert claimed_effect(Contrast("test/accuracy", "a", 0.1, 5, "equal")) == "within ±5"
    assert claimed_effect(Contrast("time/step_ms", "a", "b", 1.05, "lower", ratio=True)) == f"at most {TIMES}1/1.05"
    assert claimed_range(Exact("macs/conv_share", "a", 0.945, 0.955)) == "94.5 to below 95.5 %"
    assert claimed_range(Exact("parameters/conv1", "a", 0, 1.0, "b")) == f"below {TIMES}1"


def test_the_setting_of_a_claim_is_one_line_with_comparisons_margins_and_preconditions():
    assert describe_setting(handmade.claim()) == (
        "AlexNet scaled to the data; both against none: test accuracy at least +1 point and overfitting gap at least 2 "
        "points lower; needs none: train accuracy at least 95 % and overfitting gap at least 10 points"
    )


@pytest.mark.parametrize(
    "stated, words",
    [
        (
            [Contrast("time/step_ms", arm, "relu", 1.25, ratio=True) for arm in ("sigmoid", "tanh")],
            "sigmoid against relu and tanh against relu: time of a training step at least 1.25 times as large",
        ),
        (
            [Contrast("test/accuracy", "a", other, 0.3) for other in ("b", "c")] + [Contrast("test/loss", "a", "b", 1)],
            "a against b and c: test accuracy at least +0.3 points; a against b: test loss at least +1 nats",
        ),
        ([Contrast("test/accuracy", "a", "b", 0.5, "equal")], "a against b: test accuracy equal within 0.5 points"),
        (
            [Contrast("features/rank/fc7", "a", "b", 1.1, "lower", ratio=True)],
            "a against b: effective rank, fc7 lower by a factor of at least 1.1",
        ),
        ([Exact("macs/conv_share", "drawn", 0.945, 0.955)], "drawn: conv share of macs 94.5 to below 95.5 %"),
    ],
)
def test_every_kind_of_comparison_has_its_words(stated, words):
    assert describe_setting(Claim("c", "A sentence", stated)) == words


def test_a_bound_that_was_missed_by_little_does_not_look_reached():
    missed = describe_requirement(Requirement(handmade.FITS, 94.97, False))
    assert missed == "train accuracy of none: 94.97 %, not met (at least 95 %)"
    unmeasured = describe_requirement(Requirement(handmade.FITS))
    assert unmeasured == "train accuracy of none: not measured (at least 95 %)"


def test_the_bounds_of_a_wide_ratio_have_digits_of_their_own():
    ratio = Contrast("speed/steps_to_train_error_25", "tanh", "relu", 1.5, ratio=True)
    wide = handmade.outcome(ratio, estimate=0.898, interval=(0.00021, 3841.0))
    assert (format_estimate(wide), format_bounds(wide.part, wide.interval)) == (f"{TIMES}0.9", "[0.00021, 3,841]")
    narrow = handmade.outcome(ratio, estimate=1.2, interval=(0.67, 2.13))
    assert (format_estimate(narrow), format_bounds(narrow.part, narrow.interval)) == (f"{TIMES}1.20", "[0.67, 2.13]")


@pytest.mark.parametrize(
    "trials, look, pairs, sample",
    [
        (6, None, "3", "3 pairs"),
        (6, 1, "3, look 1 of 4", "3 pairs"),
        (96, None, "3 (96 trials)", "96 trials of 3 seeds"),
    ],
)
def test_a_combination_of_arms_counts_its_trials_beside_its_pairs(trials, look, pairs, sample):
    outcome = handmade.outcome(trials=tuple(map(str, range(trials))), interim_analysis=look)
    assert (format_pairs(outcome), describe_sample(outcome)) == (pairs, sample)
