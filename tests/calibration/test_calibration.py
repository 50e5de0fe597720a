"""Whether verdicts are wrong as rarely, and right as often, as promised: `make calibrate` with 2,000 studies a row."""

import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from simulate import DRAWS, MOST, NOTHING, SHARED, Rule, any_claim, each_claim, error, judged, simulate, taken

from ablations import Claim, Contrast
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import power
from reports.statistics.claim_verdicts import judge
from reports.tables.observations import Observation

WRONG, DECIDED = ("supported", "refuted"), ("supported", "refuted", "no effect")
FAMILY = 6  # claims of a study, as many as the project's own that need training
SEQUENTIAL = Rule(MOST, interim=True)
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

    def cells(self, share, studies, pairs):
        many = studies if self.most < 1 else studies * self.claims
        goal = f"at most {100 * self.most:g} %" if self.most < 1 else f"at least {100 * self.least:g} %"
        margin = "none" if self.rule.margin == NOTHING else f"{self.rule.margin:.2f}"
        design = (
            f"looks at {', '.join(map(str, INTERIM_ANALYSES))}" if self.rule.interim else f"{self.rule.pairs} pairs"
        )
        equal = "equal: " * (self.rule.direction == "equal")
        return (
            *(self.draw, design, self.claims, f"{self.effect:.2f}", margin, equal + " or ".join(self.verdicts)),
            *(f"{100 * share:.1f} ± {100 * error(share, many):.1f} %", goal, f"{pairs:.1f}"),
        )


def nothing_there(draw, rule, claims=1):
    """No effect, and a margin so small that p alone decides: the most that can go wrong."""
    return Row(draw, rule, claims, 0.0, WRONG, most=0.05)


def planned(draw, rule, claims=1):
    """The smallest effect that the plan calls decidable, at a margin that so many pairs detect."""
    pairs = rule.pairs
    return Row(draw, rule, claims, power.supportable_difference(1.0, pairs, rule.margin), DECIDED, least=power.POWER)


def margin(pairs):
    return power.detectable_difference(1.0, pairs)


EQUATED = power.pairs_to_equate(1.0, 1.0)
ZERO = Row("normal", Rule(EQUATED, 1.0), 1, 0.0, ("no effect",), least=power.POWER)
ROWS = [
    *(nothing_there(draw, Rule(pairs)) for draw in ONE for pairs in INTERIM_ANALYSES),
    *(
        nothing_there(draw, Rule(pairs), FAMILY)
        for draw in DRAWS
        if draw not in SKEWED
        for pairs in INTERIM_ANALYSES[:2]
    ),
    *(nothing_there(draw, SEQUENTIAL) for draw in ONE),
    *(nothing_there(draw, SEQUENTIAL, FAMILY) for draw in DRAWS if draw not in SKEWED),
    *(planned(draw, Rule(pairs, margin(pairs))) for draw in ONE for pairs in INTERIM_ANALYSES[:2]),
    *(planned(draw, SEQUENTIAL._replace(margin=margin(MOST))) for draw in ONE),
    *(ZERO._replace(draw=draw) for draw in ONE),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), verdicts=("supported",)),
    ZERO._replace(rule=SEQUENTIAL._replace(margin=1.0)),
    ZERO._replace(effect=1.0, most=0.05, least=0.0),
    ZERO._replace(rule=SEQUENTIAL._replace(margin=1.0), effect=1.0, most=0.05, least=0.0),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("supported",), most=0.05, least=0.0),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("refuted",), most=0.05, least=0.0),
    planned("normal", Rule(10, margin(10)), FAMILY),
    Row("normal", Rule(10, margin(10)), 1, margin(10), DECIDED, least=power.POWER),
]


BRIEF = ("normal", "A/A on digits")  # of the short form
LONG = 1_000  # studies, from which on every row is run


def name(row):
    return "-".join(map(str, row.cells(0.5, 1, 0)[:6]))


def marked(row):
    """docs/statistics.md tells of those that do not keep the promise."""
    uneven = row.most < 1 and row.draw in SKEWED
    reason = "the t test's, of skewed differences" if uneven else "half of all means lie below a margin that is met"
    broken = [pytest.mark.xfail(reason=reason)] if uneven or row == ROWS[-1] else []
    return pytest.param(row, id=name(row), marks=broken)


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_verdicts_are_wrong_as_rarely_and_right_as_often_as_promised(row, studies, add_row):
    if studies < LONG and (row.draw not in BRIEF or (row.rule.interim and row.claims > 1)):
        pytest.skip("make calibrate runs it")
    simulated, seed = [], zlib.crc32(name(row).encode())
    for count in (
        studies,
        10 * studies,
    ):  # of seventy rows chance alone puts three beyond: ten times the studies decide
        simulated = simulate(DRAWS[row.draw], row.rule, count, row.claims, row.effect, seed + count)
        share = (any_claim if row.most < 1 else each_claim)(simulated, row.verdicts)
        beyond = share - row.most > 2 * error(0.05, count) or row.least - share > 2 * error(power.POWER, count)
        if not beyond:
            break
    add_row(*row.cells(share, len(simulated), taken(simulated)))
    assert not beyond


@pytest.mark.parametrize("interim, pairs", [(False, (10, 10, 10)), (True, (5, 10, 15)), (True, (10, 10, 15))])
@pytest.mark.parametrize("direction", ["higher", "equal"])
def test_a_simulated_study_is_judged_as_a_real_one_is(interim, pairs, direction):
    """Ten studies of three claims, once by `judged` and once from observations."""
    rule, names = Rule(MOST, 0.8, direction, interim), ["a", "b", "c"]
    for differences in np.random.default_rng(5).normal(0.8, 1, (10, 3, MOST)):
        samples = [values[:n] for values, n in zip(differences, pairs, strict=True)]
        rows = [
            Observation("study", arm, pair, "test/loss", value, identity=f"{arm}{pair}", trained=True)
            for arm, values in (*zip(names, samples, strict=True), ("base", [0.0] * MOST))
            for pair, value in enumerate(values)
        ]
        claims = [Claim(arm, "A sentence", (Contrast("test/loss", arm, "base", 0.8, direction),)) for arm in names]
        seeds = {("study", arm): n for arm, n in (*zip(names, pairs, strict=True), ("base", MOST))} if interim else None
        judgements = judge([("study", claim) for claim in claims], pd.DataFrame(rows), requested_seeds=seeds)
        assert judged(samples, rule) == [judgement.verdict for judgement in judgements]
