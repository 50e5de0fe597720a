"""What the observations say of one part of a claim."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ablations.study import Contrast, Exact
from reports import stats
from reports.frame import unit
from reports.numbers import plain
from reports.pairs import Arms, Pairs, identities, sides
from reports.rules import amount, decide, pairs_needed, remarks, unit_of


@dataclass(frozen=True)
class Outcome:
    """What the observations say of one part of a claim.

    estimate, interval (95 %), ninety (90 %), margin and differences are in `unit`: points for accuracies, gaps and
    shares, a factor for ratios, the metric's own unit else. They are arm minus reference, or arm over reference,
    whatever the claim's direction; so is effect_size, in logarithms for a ratio. For an Exact, interval, ninety and p
    are None.
    improvement: share of pairs that go the claimed way, ties half; for an equivalence, upwards.
    pairs: how many; needed: pairs that would decide with power 0.8 an effect as large as the margin, or, for an
    equivalence, would show it where nothing differs.
    censored: values that stand for 'not reached within the budget'. missing: pairs that diverged, failed or lack.
    """

    part: Contrast | Exact
    verdict: str
    reason: str
    unit: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    ninety: tuple[float, float] | None = None
    margin: float | None = None
    pairs: int = 0
    p_value: float | None = None
    p_holm: float | None = None
    sign_flip_p: float | None = None
    effect_size: float | None = None
    improvement: float | None = None
    correlation: float | None = None
    needed: int | None = None
    censored: int = 0
    missing: int = 0
    differences: tuple[float, ...] = ()
    trials: tuple[str, ...] = ()


def contrast(part: Contrast, pairs: Pairs, p_value: float | None, p_holm: float | None) -> Outcome:
    """A part that is estimated; both p are None where its pairs cannot be tested."""
    found = stats.summary(pairs.differences)
    verdict, reason = decide(part, pairs, found, p_holm)
    shown = _factor if part.ratio else float
    return Outcome(
        part,
        verdict,
        reason + remarks(pairs),
        unit_of(part),
        estimate=None if found.mean is None else shown(found.mean),
        interval=found.interval and (shown(found.interval[0]), shown(found.interval[1])),
        ninety=found.ninety and (shown(found.ninety[0]), shown(found.ninety[1])),
        margin=part.margin,
        pairs=len(pairs.arm),
        p_value=p_value,
        p_holm=p_holm,
        sign_flip_p=stats.sign_flip_p(pairs.differences) if pairs.testable else None,
        effect_size=stats.effect_size(pairs.differences),
        improvement=stats.improvement([-d if part.direction == "lower" else d for d in pairs.differences]),
        correlation=stats.correlation(pairs.arm, pairs.reference),
        needed=pairs_needed(part, pairs),
        censored=pairs.censored,
        missing=pairs.missing,
        differences=tuple(shown(d) for d in pairs.differences),
        trials=pairs.trials,
    )


def exact(part: Exact, arms: Arms) -> Outcome:
    """A part that is counted. low and high are as stored, like a constant reference; the estimate is as shown."""
    both = [(a, r) for a, r in sides(part.arm, part.reference or 1, arms) if r.value]
    values = [a.value / r.value for a, r in both]
    if not values:
        return Outcome(part, "not run", "nothing was counted", unit_of(part))
    factor = 1 if part.reference else unit(part.metric).factor
    holds = part.low <= min(values) and max(values) <= part.high
    stated = amount(part, part.low * factor)
    if part.low < part.high:
        stated = f"between {stated} and {amount(part, part.high * factor)}"
    estimate = sum(values) / len(values) * factor
    return Outcome(
        part,
        "supported" if holds else "refuted",
        f"the count is {amount(part, estimate)}, {'as' if holds else 'not as'} stated: {stated}",
        unit_of(part),
        estimate=estimate,
        pairs=len(values),
        trials=identities(both),
    )


def _factor(logarithm: float) -> float:
    return math.exp(min(logarithm, 700))  # the interval of two wild pairs would overflow


def named(part: Contrast | Exact) -> str:
    """What the part compares, in words."""
    label = f"{unit(part.metric).label}, {part.arm}"
    if isinstance(part.reference, str):
        return f"{label} against {part.reference}" if part.reference else label
    return f"{label} against {plain(part.reference * unit(part.metric).factor)}"
