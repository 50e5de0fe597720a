"""Whether verdicts are wrong as rarely, and right as often, as promised: `make calibrate` with 2,000 studies a row."""

import math
from typing import NamedTuple

import pytest
from simulate import DRAWS, MOST, NOTHING, SHARED, Rule, any_claim, each_claim, simulate, taken

from reports import stats
from reports.sequential import LOOKS

WRONG, DECIDED = ("supported", "refuted"), ("supported", "refuted", "no effect")
FAMILY = 6  # claims of a study, as many as the house's own that need training
LOOKED = Rule(MOST, looks=True)
SKEWED = ("exponential", "lognormal")
ONE = [draw for draw in DRAWS if draw != SHARED]  # a baseline that claims share takes several


class Row(NamedTuple):
    """verdicts: whose share is counted, over studies with any such claim where they are wrong, over claims else."""

    draw: str
    rule: Rule
    claims: int
    effect: float
    verdicts: tuple[str, ...]
    most: float = 1.0
    least: float = 0.0

    def told(self, share, studies, pairs):
        many = studies if self.most < 1 else studies * self.claims
        error = math.sqrt(share * (1 - share) / many)
        goal = f"at most {100 * self.most:g} %" if self.most < 1 else f"at least {100 * self.least:g} %"
        margin = "none" if self.rule.margin == NOTHING else f"{self.rule.margin:.2f}"
        design = f"looks at {', '.join(map(str, LOOKS))}" if self.rule.looks else f"{self.rule.pairs} pairs"
        equal = "equal: " * (self.rule.direction == "equal")
        return (
            *(self.draw, design, self.claims, f"{self.effect:.2f}", margin, equal + " or ".join(self.verdicts)),
            *(f"{100 * share:.1f} ± {100 * error:.1f} %", goal, f"{pairs:.1f}"),
        )


def nothing_there(draw, rule, claims=1):
    """No effect, and a margin so small that p alone decides: the most that can go wrong."""
    return Row(draw, rule, claims, 0.0, WRONG, most=0.05)


def planned(draw, rule, claims=1):
    """The smallest effect that the plan calls decidable, at a margin that so many pairs detect."""
    pairs = rule.pairs
    return Row(draw, rule, claims, stats.supportable(1.0, pairs, rule.margin), DECIDED, least=stats.POWER)


def margin(pairs):
    return stats.detectable(1.0, pairs)


EQUATED = stats.pairs_to_equate(1.0, 1.0)
ZERO = Row("normal", Rule(EQUATED, 1.0), 1, 0.0, ("no effect",), least=stats.POWER)
ROWS = [
    *(nothing_there(draw, Rule(pairs)) for draw in ONE for pairs in LOOKS),
    *(nothing_there(draw, Rule(pairs), FAMILY) for draw in DRAWS if draw not in SKEWED for pairs in LOOKS[:2]),
    *(nothing_there(draw, LOOKED) for draw in ONE),
    *(nothing_there(draw, LOOKED, FAMILY) for draw in DRAWS if draw not in SKEWED),
    *(planned(draw, Rule(pairs, margin(pairs))) for draw in ONE for pairs in LOOKS[:2]),
    *(planned(draw, LOOKED._replace(margin=margin(MOST))) for draw in ONE),
    *(ZERO._replace(draw=draw) for draw in ONE),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), verdicts=("supported",)),
    ZERO._replace(rule=LOOKED._replace(margin=1.0)),
    ZERO._replace(effect=1.0, most=0.05, least=0.0),
    ZERO._replace(rule=LOOKED._replace(margin=1.0), effect=1.0, most=0.05, least=0.0),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("supported",), most=0.05, least=0.0),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("refuted",), most=0.05, least=0.0),
    planned("normal", Rule(10, margin(10)), FAMILY),
    Row("normal", Rule(10, margin(10)), 1, margin(10), DECIDED, least=stats.POWER),
]


def name(row):
    return "-".join(map(str, row.told(0.5, 1, 0)[:6]))


@pytest.mark.parametrize("row", [pytest.param(row, id=name(row)) for row in ROWS])
def test_verdicts_are_wrong_as_rarely_and_right_as_often_as_promised(row, studies, tell):
    found = simulate(DRAWS[row.draw], row.rule, studies, row.claims, row.effect, seed=ROWS.index(row))
    share = (any_claim if row.most < 1 else each_claim)(found, row.verdicts)
    tell(*row.told(share, studies, taken(found)))
