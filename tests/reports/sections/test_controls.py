import pytest

from ablations import Claim, Contrast
from reports.sections.controls import describe_control, describe_unexpected
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome


def judged(name, verdict):
    part = Contrast("test/accuracy", "arm", "base", 1)
    outcome = Outcome(part, verdict, "nothing_shown")
    return Judgement("s", Claim(name, "A sentence", (part,), kind="control"), verdict, (outcome,))


@pytest.mark.parametrize(
    "verdict, a_a, shuffled",
    [
        ("supported", "unexpected", "as it should"),
        ("refuted", "unexpected", "unexpected"),
        ("negligible", "as it should", "unexpected"),
        ("underpowered", "undecided", "undecided"),
        ("inconclusive", "undecided", "undecided"),
        ("not run", "not run", "not run"),
    ],
)
def test_a_control_is_as_it_should_only_if_that_was_shown(verdict, a_a, shuffled):
    assert describe_control(judged("s:a-a", verdict)) == a_a
    assert describe_control(judged("s:shuffled", verdict)) == shuffled


def test_an_unexpected_control_is_named_with_its_study_and_a_remedy():
    assert describe_unexpected([judged("s:a-a", "negligible"), judged("s:shuffled", "supported")]) == ""
    warning = describe_unexpected([judged("s:a-a", "refuted"), judged("s:shuffled", "refuted")])
    assert "s: the baseline differs from itself" in warning and "s: a network that learns shuffled labels" in warning
    assert "--seeds" in warning
