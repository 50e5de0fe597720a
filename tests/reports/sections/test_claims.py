import pytest

from ablations import Claim, Contrast
from reports.sections.claims import describe_control, summarise_claim
from reports.statistics.judge import Judgement
from reports.statistics.verdicts import Outcome


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
    assert describe_control(judged("s:a-a", verdict)) == a_a
    assert describe_control(judged("s:shuffled", verdict)) == shuffled


@pytest.mark.parametrize("regimes, told", [({"": "no effect"}, ""), ({"a": "no effect", "b": "no effect"}, "")])
@pytest.mark.parametrize("other, shown", [("no effect", False), ("supported", True)])
def test_a_card_tells_the_regimes_where_they_disagree(regimes, told, other, shown):
    outcome = Outcome(Contrast("test/accuracy", "arm", "base", 1), "no effect", "", "", estimate=0.1, pairs=5)
    claim = Claim("id", "A sentence", (outcome.part,))
    found = Judgement("s", claim, "no effect", "on tuning: a; b", (outcome,), regimes={**regimes, "c": other})
    assert summarise_claim(found).reason == ("On tuning: a; b" if shown else told)
