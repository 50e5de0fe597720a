import pytest

from ablations import Claim, Contrast, Exact
from reports.statistics.judge import VERDICTS, Judgement
from reports.statistics.verdicts import Outcome
from reports.text.outlook import turning


def judged(verdict, part, **numbers):
    return Judgement("s", Claim("id", "A sentence", (part,)), verdict, "", (Outcome(part, verdict, "", "", **numbers),))


PART = Contrast("test/accuracy", "a", "b", margin=0.5)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_says_what_would_change_it(verdict):
    assert turning(judged(verdict, PART)).endswith(".")


def test_what_changes_a_decided_verdict_is_its_own_margin():
    assert "below the margin of 0.5 points" in turning(judged("supported", PART))


def test_what_changes_an_underpowered_one_is_how_many_pairs_it_lacks():
    assert "about 12 pairs" in turning(judged("underpowered", PART, needed=12))


def test_a_count_does_not_change_with_seeds():
    assert "seeds" not in turning(judged("refuted", Exact("parameters/total", "a", 1, 2)))
