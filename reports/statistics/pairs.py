"""Observations sorted into the pairs that a part of a claim compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from ablations import Contrast
from bench.metrics.table import describe_metric
from reports.statistics import paired_tests, sequential
from reports.tables.observations import Observation

Values = Mapping[int, Observation]
Arms = Mapping[str, Values]


class Pairs(NamedTuple):
    """Values of shape (pairs,), in the unit shown, as logarithms where the part is a ratio.

    bounds: 1 where a true difference may be larger than ours, -1 where it may be smaller. unreached: pairs left out
    because neither value was reached within the budget: they say nothing of the ratio. missing: pairs that another
    arm of the study has, of those that both arms were asked for.
    look: the last one that was reached, which says how many pairs are taken, where a sequential run asked for them; 0
    before the first, None for a fixed number of pairs. waiting: pairs that are there and that the look does not take.
    """

    arm: tuple[float, ...]
    reference: tuple[float, ...]
    bounds: frozenset[int]
    unreached: int
    censored: int
    missing: int
    fit: bool
    trials: tuple[str, ...]
    look: int | None = None
    waiting: int = 0

    @property
    def differences(self) -> tuple[float, ...]:
        """Arm minus reference, whatever the claim's direction."""
        return tuple(a - r for a, r in zip(self.arm, self.reference, strict=True))

    @property
    def testable(self) -> bool:
        return self.fit and len(self.arm) > 1 and self.look != 0

    def summary(self) -> paired_tests.Summary:
        return paired_tests.summary(self.differences) if self.look is None else sequential.summary(self.differences)


def tabulate(observations: pd.DataFrame) -> dict[tuple[str, str], dict[str, dict[int, Observation]]]:
    """Observations by study and metric, then by arm, then by pair."""
    table: dict[tuple[str, str], dict[str, dict[int, Observation]]] = {}
    for row in map(Observation._make, observations[list(Observation._fields)].itertuples(index=False)):
        table.setdefault((row.study, row.metric), {}).setdefault(row.arm, {})[row.pair] = row
    return table


def sides(arm: str, reference: str | float, arms: Arms) -> list[tuple[Observation, Observation]]:
    """The arm's observations beside the reference's, or beside a constant."""
    here = arms.get(arm, {})
    if isinstance(reference, str):
        there = arms.get(reference, {})
    else:
        there = {pair: Observation("", "", pair, "", reference) for pair in here}
    return [(here[pair], there[pair]) for pair in sorted(here.keys() & there.keys())]


def identities(both: list[tuple[Observation, Observation]]) -> tuple[str, ...]:
    """Of all trials behind them: a combination of arms has several."""
    return tuple(sorted({name for pair in both for one in pair for name in one.identity.split("+")} - {""}))


def collect(part: Contrast, arms: Arms, asked: float = math.inf, looks: bool = False) -> Pairs:
    """asked: how many pairs both arms were asked for. looks: whether the pairs come a look at a time."""
    usable = [pair for pair in sides(part.arm, part.reference, arms) if all(_usable(one.value, part) for one in pair)]
    whole = [(a, r) for a, r in usable if not (a.censored and r.censored)]
    kept = whole[: sequential.used(len(whole))] if looks else whole
    factor = describe_metric(part.metric).factor
    scaled = [[math.log(one.value) if part.ratio else one.value * factor for one in pair] for pair in kept]
    return Pairs(
        arm=tuple(a for a, _ in scaled),
        reference=tuple(r for _, r in scaled),
        bounds=frozenset(1 if a.censored else -1 for a, r in kept if a.censored or r.censored),
        unreached=len(usable) - len(whole),
        censored=sum(a.censored + r.censored for a, r in usable),
        missing=len({pair for values in arms.values() for pair in values if pair < asked}) - len(usable),
        fit=all(a.fit and r.fit for a, r in kept),
        trials=identities(kept),
        look=sequential.reached(len(whole)) if looks else None,
        waiting=len(whole) - len(kept),
    )


def _usable(value: float, part: Contrast) -> bool:
    return math.isfinite(value) and (value > 0 or not part.ratio)
