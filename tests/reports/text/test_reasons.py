from typing import get_args

import handmade
import pytest

from ablations import Claim, Contrast, Exact
from reports.statistics.claim_verdicts import VERDICTS, Judgement
from reports.statistics.outcomes import Outcome, Reason
from reports.tables.provenance import differing_fields
from reports.text.reasons import REASONS, describe_origins, describe_outlook, explain_judgement, explain_outcome

PART = Contrast("test/accuracy", "a", "b", margin=0.5)


def judged(verdict, part, **numbers):
    outcome = Outcome(part, verdict, "not_measured", **numbers)
    return Judgement("s", Claim("id", "A sentence", (part,)), verdict, (outcome,))


def test_every_reason_has_a_sentence():
    assert set(REASONS) == set(get_args(Reason))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_the_numbers_of_an_outcome_fill_every_sentence(reason):
    counted = reason in ("not_counted", "count_as_claimed", "count_not_as_claimed")
    part = Exact("parameters/total", "a", 1, 2) if counted else PART
    sentence = explain_outcome(Outcome(part, "not run", reason, devices=("a GPU", "another GPU")))
    assert sentence and "{" not in sentence and "None" not in sentence


def test_trials_that_diverged_are_counted_in_the_reason():
    outcome = Outcome(PART, "refuted", "margin_reached_against_claim", diverged=3)
    assert explain_outcome(outcome).endswith("; 3 trials diverged, counted with accuracy at chance")


def test_a_precondition_that_is_not_met_is_the_reason_with_its_number():
    judgement = handmade.judgement("not testable here", train_accuracy=64.0)
    precondition = "train accuracy of none: 64.0 %, not met (at least 95 %)"
    assert explain_judgement(judgement) == f"precondition: {precondition}"
    advice = "for instance with more epochs or a wider network."
    assert describe_outlook(judgement) == f"A network that meets the preconditions, {advice}"


def test_many_pairs_that_would_be_needed_are_not_counted():
    outcome = Outcome(PART, "underpowered", "interval_too_wide")
    assert "; more than 1,000 pairs would show an effect as large as the margin" in explain_outcome(outcome)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_says_what_would_change_it(verdict):
    assert describe_outlook(judged(verdict, PART)).endswith(".")


def test_the_outlook_of_a_decided_claim_names_its_margin():
    assert "below the margin of 0.5 points" in describe_outlook(judged("supported", PART))


@pytest.mark.parametrize("verdict", ["supported", "refuted"])
def test_the_outlook_of_a_decided_equality_names_its_interval(verdict):
    outlook = describe_outlook(judged(verdict, Contrast("test/accuracy", "a", "b", margin=0.5, direction="equal")))
    assert "move the interval across the margin of 0.5 points" in outlook


def test_the_outlook_of_an_underpowered_claim_names_the_pairs_that_it_needs():
    assert "about 12 pairs" in describe_outlook(judged("underpowered", PART, needed=12))


def test_a_count_does_not_change_with_seeds():
    assert "seeds" not in describe_outlook(judged("refuted", Exact("parameters/total", "a", 1, 2)))


def test_a_busy_timing_is_repeated_whatever_the_number_of_seeds():
    outcome = Outcome(PART, "inconclusive", "machine_busy")
    outlook = describe_outlook(Judgement("s", Claim("id", "A sentence", (PART,)), "inconclusive", (outcome,)))
    assert "seeds" not in outlook and "next run repeats the timing" in outlook


def test_three_differences_are_a_list_and_of_many_values_the_first_are_named():
    origins = differing_fields({"commit": f"c{n}", "threads": n, "python": f"3.{n % 2}"} for n in range(12))
    assert describe_origins(origins, "They") == (
        "They come from 12 commits (c0, c1, c2, c3, c4 and 7 more), 2 versions of Python (3.0, 3.1) "
        "and 12 numbers of threads (0, 1, 2, 3, 4 and 7 more)."
    )
