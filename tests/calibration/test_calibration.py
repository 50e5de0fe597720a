"""Error rates and power of verdicts, against their goals; `make calibrate` simulates 2,000 studies per row."""

import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from simulate import (
    DRAWS,
    LAST_ANALYSIS,
    NOTHING,
    SHARED,
    Rule,
    any_claim,
    each_claim,
    judge_claims,
    mean_pairs,
    simulate,
    standard_error,
)

from ablations import Claim, Contrast
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import power
from reports.statistics.claim_verdicts import judge
from reports.tables.observations import Observation

WRONG, DECIDED = ("supported", "refuted"), ("supported", "refuted", "no effect")
FAMILY = 6  # claims per study
SEQUENTIAL = Rule(LAST_ANALYSIS, interim=True)
SKEWED = ("exponential", "lognormal")
ONE_CLAIM_DRAWS = [draw for draw in DRAWS if draw != SHARED]  # a shared baseline needs several claims


class Row(NamedTuple):
    """A row of the table: a design, and the share of some verdicts with its goal.

    Attributes:
        draw: Name of the distribution of differences.
        rule: The rule that judges the claims.
        claims: Number of claims per study.
        effect: True difference.
        verdicts: The counted verdicts. With an upper limit, the share is of studies with at least one of them;
            otherwise it is of claims.
        upper_limit: Largest allowed share.
        lower_limit: Smallest allowed share.
    """

    draw: str
    rule: Rule
    claims: int
    effect: float
    verdicts: tuple[str, ...]
    upper_limit: float = 1.0
    lower_limit: float = 0.0

    def cells(self, share, studies, pairs):
        count = studies if self.upper_limit < 1 else studies * self.claims
        limits = f"at most {100 * self.upper_limit:g} %", f"at least {100 * self.lower_limit:g} %"
        goal = limits[0] if self.upper_limit < 1 else limits[1]
        margin = "none" if self.rule.margin == NOTHING else f"{self.rule.margin:.2f}"
        design = (
            f"looks at {', '.join(map(str, INTERIM_ANALYSES))}" if self.rule.interim else f"{self.rule.pairs} pairs"
        )
        equal = "equal: " * (self.rule.direction == "equal")
        return (
            *(self.draw, design, self.claims, f"{self.effect:.2f}", margin, equal + " or ".join(self.verdicts)),
            *(f"{100 * share:.1f} ± {100 * standard_error(share, count):.1f} %", goal, f"{pairs:.1f}"),
        )


def no_effect_row(draw, rule, claims=1):
    """No effect, and a margin so small that p alone decides: the worst case for wrong verdicts."""
    return Row(draw, rule, claims, 0.0, WRONG, upper_limit=0.05)


def planned_effect_row(draw, rule, claims=1):
    """The smallest effect that `ablate plan` calls decidable, with the margin that this number of pairs detects."""
    pairs = rule.pairs
    return Row(
        draw, rule, claims, power.supportable_difference(1.0, pairs, rule.margin), DECIDED, lower_limit=power.POWER
    )


def margin(pairs):
    return power.detectable_difference(1.0, pairs)


EQUATED = power.pairs_to_equate(1.0, 1.0)
ZERO = Row("normal", Rule(EQUATED, 1.0), 1, 0.0, ("no effect",), lower_limit=power.POWER)
ROWS = [
    *(no_effect_row(draw, Rule(pairs)) for draw in ONE_CLAIM_DRAWS for pairs in INTERIM_ANALYSES),
    *(
        no_effect_row(draw, Rule(pairs), FAMILY)
        for draw in DRAWS
        if draw not in SKEWED
        for pairs in INTERIM_ANALYSES[:2]
    ),
    *(no_effect_row(draw, SEQUENTIAL) for draw in ONE_CLAIM_DRAWS),
    *(no_effect_row(draw, SEQUENTIAL, FAMILY) for draw in DRAWS if draw not in SKEWED),
    *(
        planned_effect_row(draw, Rule(pairs, margin(pairs)))
        for draw in ONE_CLAIM_DRAWS
        for pairs in INTERIM_ANALYSES[:2]
    ),
    *(planned_effect_row(draw, SEQUENTIAL._replace(margin=margin(LAST_ANALYSIS))) for draw in ONE_CLAIM_DRAWS),
    *(ZERO._replace(draw=draw) for draw in ONE_CLAIM_DRAWS),
    ZERO._replace(rule=Rule(EQUATED, 1.0, "equal"), verdicts=("supported",)),
    ZERO._replace(rule=SEQUENTIAL._replace(margin=1.0)),
    ZERO._replace(effect=1.0, upper_limit=0.05, lower_limit=0.0),
    ZERO._replace(rule=SEQUENTIAL._replace(margin=1.0), effect=1.0, upper_limit=0.05, lower_limit=0.0),
    ZERO._replace(
        rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("supported",), upper_limit=0.05, lower_limit=0.0
    ),
    ZERO._replace(
        rule=Rule(EQUATED, 1.0, "equal"), effect=1.0, verdicts=("refuted",), upper_limit=0.05, lower_limit=0.0
    ),
    planned_effect_row("normal", Rule(10, margin(10)), FAMILY),
    Row("normal", Rule(10, margin(10)), 1, margin(10), DECIDED, lower_limit=power.POWER),
]


BRIEF = ("normal", "A/A on digits")  # distributions of the short form
LONG = 1_000  # number of studies from which on all rows run


def name(row):
    return "-".join(map(str, row.cells(0.5, 1, 0)[:6]))


def marked(row):
    """The row as a parameter; rows that miss their goal, listed in docs/statistics.md, are expected to fail."""
    is_skewed = row.upper_limit < 1 and row.draw in SKEWED
    reason = "the t test fails for skewed differences" if is_skewed else "half of all means lie below the margin"
    marks = [pytest.mark.xfail(reason=reason)] if is_skewed or row == ROWS[-1] else []
    return pytest.param(row, id=name(row), marks=marks)


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_error_rates_and_power_of_verdicts_meet_their_goals(row, studies, add_row):
    if studies < LONG and (row.draw not in BRIEF or (row.rule.interim and row.claims > 1)):
        pytest.skip("make calibrate runs it")
    simulated, seed = [], zlib.crc32(name(row).encode())
    for count in (studies, 10 * studies):  # chance puts about three of seventy rows beyond: these run again, longer
        simulated = simulate(DRAWS[row.draw], row.rule, count, row.claims, row.effect, seed + count)
        share = (any_claim if row.upper_limit < 1 else each_claim)(simulated, row.verdicts)
        is_above = share - row.upper_limit > 2 * standard_error(0.05, count)
        is_below = row.lower_limit - share > 2 * standard_error(power.POWER, count)
        if not (is_above or is_below):
            break
    add_row(*row.cells(share, len(simulated), mean_pairs(simulated)))
    assert not (is_above or is_below)


@pytest.mark.parametrize("interim, pairs", [(False, (10, 10, 10)), (True, (5, 10, 15)), (True, (10, 10, 15))])
@pytest.mark.parametrize("direction", ["higher", "equal"])
def test_a_simulated_study_is_judged_like_a_real_one(interim, pairs, direction):
    """Ten studies of three claims, once by `judge_claims` and once from observations."""
    rule, names = Rule(LAST_ANALYSIS, 0.8, direction, interim), ["a", "b", "c"]
    for differences in np.random.default_rng(5).normal(0.8, 1, (10, 3, LAST_ANALYSIS)):
        samples = [values[:n] for values, n in zip(differences, pairs, strict=True)]
        rows = [
            Observation("study", arm, pair, "test/loss", value, identity=f"{arm}{pair}", trained=True)
            for arm, values in (*zip(names, samples, strict=True), ("base", [0.0] * LAST_ANALYSIS))
            for pair, value in enumerate(values)
        ]
        claims = [Claim(arm, "A sentence", (Contrast("test/loss", arm, "base", 0.8, direction),)) for arm in names]
        seeds = (
            {("study", arm): n for arm, n in (*zip(names, pairs, strict=True), ("base", LAST_ANALYSIS))}
            if interim
            else None
        )
        judgements = judge([("study", claim) for claim in claims], pd.DataFrame(rows), requested_seeds=seeds)
        assert judge_claims(samples, rule) == [judgement.verdict for judgement in judgements]
