import dataclasses

import handmade
import pytest

from ablations import Contrast, Exact
from reports.statistics.outcomes import Outcome
from reports.text.answers import answer_claim, describe_result, format_result
from reports.text.formatting import MINUS, TIMES

STEPS = Contrast("speed/steps_to_train_error_25", "tanh", "relu", 1.5, ratio=True)
SHARE = Contrast("sparsity/active/mean", "relu", 0.5, 5, direction="lower")
STEPS_LABEL = "steps to 25 % training error"
TREND = Contrast("test/accuracy", "each layer more", 0.0, 0.3)


@pytest.mark.parametrize(
    "outcome, text",
    [
        (
            handmade.outcome(
                Contrast("time/step_ms", "tanh", "relu", 1.2, ratio=True), estimate=1.4, interval=(1.3, 1.5)
            ),
            "time of a training step: 1.40 times as large for tanh as for relu (95 % interval [1.30, 1.50], 3 rounds)",
        ),
        (
            handmade.outcome(),
            "test accuracy: 3.0 points higher for both than for none (95 % interval [2.0, 4.0], 3 pairs)",
        ),
        (
            handmade.outcome(STEPS, estimate=1.2, interval=(0.67, 2.13)),
            f"{STEPS_LABEL}: 1.20 times as large for tanh as for relu (95 % interval [0.67, 2.13], 3 pairs)",
        ),
        (
            handmade.outcome(SHARE, estimate=-8.0, interval=None, pairs=1),
            "active share, mean: 8.00 points lower for relu than for 50 % (1 pair)",
        ),
        (
            handmade.outcome(estimate=0.0, interval=None, reason="no_differences"),
            "test accuracy: no difference between both and none (3 pairs)",
        ),
        (
            handmade.outcome(STEPS, estimate=1.2, interval=None, censored=2, diverged=1),
            f"{STEPS_LABEL}: 1.20 times as large for tanh as for relu (3 pairs, 2 values not reached, "
            "1 trial diverged)",
        ),
        (
            handmade.outcome(TREND, estimate=-2.0, interval=(-4.0, 0.0)),
            f"test accuracy: {MINUS}2.0 points for each layer more (95 % interval [{MINUS}4.0, 0.0], 3 pairs)",
        ),
        (
            Outcome(STEPS, "inconclusive", "too_few_reached"),
            f"{STEPS_LABEL}, tanh against relu: too few pairs have a value that was reached within the budget",
        ),
        (
            Outcome(Exact("parameters/total", "ungrouped", 62e6, 63e6), "supported", "count_as_claimed", 62_378_344),
            "parameters, total of ungrouped: 62,378,344 parameters",
        ),
        (
            Outcome(Exact("parameters/conv2", "pair", 0, 1, "one 5x5"), "supported", "count_as_claimed", 0.72),
            f"parameters, conv2 of pair against one 5x5: {TIMES}0.72",
        ),
    ],
)
def test_a_result_is_told_in_plain_words(outcome, text):
    assert describe_result(outcome) == text


def test_a_claim_is_answered_by_the_comparison_that_decided():
    answer = answer_claim(handmade.judgement())
    assert answer.startswith("augmentation: test accuracy: 3.0 points higher for both")
    assert answer.endswith("3 pairs); all 2 stated comparisons hold.")


def test_a_claim_that_does_not_hold_says_that_one_comparison_decides():
    assert answer_claim(handmade.judgement("refuted")).endswith("; of 2 stated comparisons this one decides.")


def test_a_claim_that_cannot_be_tested_is_answered_by_its_precondition():
    judgement = handmade.judgement("not testable here", train_accuracy=64.0)
    assert answer_claim(judgement) == "augmentation: train accuracy of none: 64.0 %, not met (at least 95 %)."
    assert format_result(judgement) == "train accuracy 64.0 %, not at least 95 %"


def test_numbers_that_decided_stand_without_an_interval_where_there_is_none():
    judgement = handmade.judgement()
    assert format_result(judgement) == "+3.0 points [2.0, 4.0]"
    bare = dataclasses.replace(judgement, outcomes=(handmade.outcome(interval=None),))
    assert format_result(bare) == "+3.00 points"
