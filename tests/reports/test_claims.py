import pytest

from ablations.study import Claim, Contrast
from reports.claims import passed
from reports.judge import Judgement
from reports.outcome import Outcome


def judged(name, verdict):
    part = Contrast("test/accuracy", "arm", "base", 1)
    return Judgement(
        "s", Claim(name, "A sentence", (part,), primary=False), verdict, "", (Outcome(part, verdict, "", ""),)
    )


@pytest.mark.parametrize(
    "verdict, a_a, shuffled",
    [
        ("supported", "unexpected", "as it should"),
        ("refuted", "unexpected", "unexpected"),
        ("no effect", "as it should", "unexpected"),
        ("underpowered", "undecided", "undecided"),
        ("inconclusive", "undecided", "undecided"),
        ("not run", "not run", "not run"),
    ],
)
def test_a_control_came_out_as_it_should_only_where_that_was_shown(verdict, a_a, shuffled):
    assert passed(judged("s:a-a", verdict)) == a_a
    assert passed(judged("s:shuffled", verdict)) == shuffled
