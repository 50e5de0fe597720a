"""What the observations say of one part of a claim, and the rules by which it gets a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ablations import Contrast, Exact
from ablations.framework.seeds import INTERIM_ANALYSES
from bench.metrics.table import describe_metric
from reports.statistics import paired_tests
from reports.statistics.pairs import Arms, Pairs, identities, sides
from reports.text.comparisons import claimed_range, part_unit
from reports.text.formatting import NOTHING, TIMES, decimal_places, format_amount, format_fixed, pluralize


@dataclass(frozen=True)
class Outcome:
    """What the observations say of one part of a claim.

    estimate, interval (95 %), ninety (90 %), margin and differences are in `unit`: points for a difference of
    accuracies, gaps or shares, a factor for a ratio, the metric's own unit else. They are arm minus reference, or arm
    over reference, whatever the claim's direction; so is effect_size, in logarithms for a ratio. For an Exact, and
    where the pairs leave no spread, interval, ninety and p are None.
    improvement: share of pairs that go the claimed way, ties half; for an equivalence, upwards.
    pairs: how many; needed: pairs with which a t test without correction tells an effect as large as the margin from
    zero, power 0.8, or, for an equivalence, shows it where nothing differs.
    censored: values that stand for 'not reached within the budget'. missing: pairs that diverged or were not run.
    look, waiting: as in Pairs. Under a look the intervals are the repeated ones, and p the sequential one.
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
    look: int | None = None
    waiting: int = 0
    differences: tuple[float, ...] = ()
    trials: tuple[str, ...] = ()


def contrast(part: Contrast, pairs: Pairs, p_value: float | None, p_holm: float | None) -> Outcome:
    """A part that is estimated; both p are None where its pairs cannot be tested."""
    found = pairs.summary()
    verdict, reason = decide(part, pairs, found, p_holm)
    shown = _factor if part.ratio else float
    return Outcome(
        part,
        verdict,
        reason + remarks(pairs),
        part_unit(part),
        estimate=None if found.mean is None else shown(found.mean),
        interval=found.interval and (shown(found.interval[0]), shown(found.interval[1])),
        ninety=found.ninety and (shown(found.ninety[0]), shown(found.ninety[1])),
        margin=part.margin,
        pairs=len(pairs.arm),
        p_value=p_value,
        p_holm=p_holm,
        sign_flip_p=paired_tests.sign_flip_p(pairs.differences) if pairs.testable else None,
        effect_size=paired_tests.effect_size(pairs.differences),
        improvement=paired_tests.improvement([-d if part.direction == "lower" else d for d in pairs.differences]),
        correlation=paired_tests.correlation(pairs.arm, pairs.reference),
        needed=pairs_needed(part, pairs),
        censored=pairs.censored,
        missing=pairs.missing,
        look=pairs.look,
        waiting=pairs.waiting,
        differences=tuple(shown(d) for d in pairs.differences),
        trials=pairs.trials,
    )


def exact(part: Exact, arms: Arms) -> Outcome:
    """A part that is counted. low and high are as stored, like a constant reference; the estimate is as shown."""
    both = [(a, r) for a, r in sides(part.arm, part.reference or 1, arms) if r.value]
    values = [a.value / r.value for a, r in both]
    if not values:
        return Outcome(part, "not run", "nothing was counted", part_unit(part))
    factor = 1 if part.reference else describe_metric(part.metric).factor
    holds = part.low <= min(values) and max(values) < part.high
    value = sum(values) / len(values) * factor
    return Outcome(
        part,
        "supported" if holds else "refuted",
        f"the count is {format_amount(value, part_unit(part))}, "
        f"{'' if holds else 'not '}as stated: {claimed_range(part)}",
        part_unit(part),
        estimate=value,
        pairs=len(values),
        trials=identities(both),
    )


def refused(outcome: Outcome, reason: str) -> Outcome:
    """The same part without a verdict, nor any number that could be taken for one."""
    return Outcome(outcome.part, "not run", reason, outcome.unit, margin=outcome.margin, trials=outcome.trials)


def decide(part: Contrast, pairs: Pairs, found: paired_tests.Summary, p_holm: float | None) -> tuple[str, str]:
    """Verdict and reason; the first rule that fits decides.

    beyond: the mean difference reaches the margin; for an equivalence, the whole 95 % interval lies past it. A reason
    says no more than what was tested: p is of a difference of zero, and the margin is met by the mean alone.
    """
    if found.mean is None or found.interval is None or found.ninety is None or p_holm is None:
        return _untested(pairs)
    low, high = found.interval
    margin, limit, equal = margin_of(part), format_amount(part.margin, part_unit(part)), part.direction == "equal"
    beyond = low > margin or high < -margin if equal else abs(found.mean) >= margin
    if beyond and p_holm <= paired_tests.ALPHA:
        return _beyond(part, pairs, found.mean)
    if paired_tests.equivalent(found.ninety, margin):
        if pairs.censored:
            return "inconclusive", "the values that were not reached may lie anywhere beyond the margin"
        reason = f"the 90 % interval lies within the margin of {limit} to either side"
        return "supported" if equal else "no effect", reason
    if (high - low) / 2 > margin:
        needed = pairs_needed(part, pairs)
        more = f"about {pluralize(needed, 'pair')}" if needed else f"more than {paired_tests.MOST_PAIRS:,} pairs"
        shown = "that nothing differs by as much, where nothing does" if equal else "an effect as large as the margin"
        reason = f"the 95 % interval reaches further to either side than the margin of {limit}"
        return "underpowered", f"{reason}; {more} would show {shown}, power {paired_tests.POWER}"
    if beyond:
        return "inconclusive", "the margin is reached, but among so many claims that may be chance"
    if equal:
        return "inconclusive", f"the interval lies neither within the margin of {limit} nor wholly beyond it"
    if p_holm <= paired_tests.ALPHA:
        return "inconclusive", f"a difference is shown, but its mean is smaller than the margin of {limit}"
    return "inconclusive", f"neither a difference nor its absence within the margin of {limit} is shown"


def _beyond(part: Contrast, pairs: Pairs, mean: float) -> tuple[str, str]:
    limit = format_amount(part.margin, part_unit(part))
    if (-1 if mean > 0 else 1) in pairs.bounds:
        return "inconclusive", "the values that were not reached could turn the difference round"
    if part.direction == "equal":
        return "refuted", f"the 95 % interval lies wholly beyond the margin of {limit}"
    what, none = ("ratio", f"a ratio of {TIMES}1") if part.ratio else ("difference", "a difference of zero")
    claimed = (mean > 0) == (part.direction == "higher")
    way = "goes the claimed way" if claimed else "goes against the claim"
    reason = f"the mean {what} {way} and reaches the margin of {limit}; {none} is ruled out"
    return "supported" if claimed else "refuted", reason


def _untested(pairs: Pairs) -> tuple[str, str]:
    if not pairs.fit:
        return "inconclusive", "the machine was not quiet while this was timed; run again when it is"
    if pairs.look == 0 and pairs.arm:
        return "underpowered", (
            f"{pluralize(len(pairs.arm), 'pair')} so far, and the first look comes at {INTERIM_ANALYSES[0]}"
        )
    if len(pairs.arm) > 1:
        return "underpowered", f"all {len(pairs.arm)} differences are equal: they leave no spread to judge by"
    if pairs.unreached:
        return "inconclusive", "too few pairs have a value that was reached within the budget"
    if pairs.arm:
        return "underpowered", "one pair has no spread to judge by; at least 2 are needed"
    return "not run", "nothing was measured"


def remarks(pairs: Pairs) -> str:
    """What a reason adds of values that are not what they seem."""
    censored = f"; {pluralize(pairs.censored, 'value')} not reached within the budget" if pairs.censored else ""
    missing = f"; {pluralize(pairs.missing, 'pair')} missing" if pairs.missing else ""
    waiting = f", which leaves {pluralize(pairs.waiting, 'pair')} aside" if pairs.waiting else ""
    return censored + missing + (f"; {looked(pairs.look)}{waiting}" if pairs.look else "")


def looked(look: int) -> str:
    return f"sequential, look {look} of {len(INTERIM_ANALYSES)}"


def pairs_needed(part: Contrast, pairs: Pairs) -> int | None:
    deviation = paired_tests.deviation(pairs.differences)
    fewest = paired_tests.pairs_to_equate if part.direction == "equal" else paired_tests.pairs_to_detect
    return None if deviation is None else fewest(deviation, margin_of(part))


def margin_of(part: Contrast) -> float:
    """On the scale of the differences."""
    return math.log(part.margin) if part.ratio else part.margin


def _factor(logarithm: float) -> float:
    return math.exp(min(logarithm, 700))  # the interval of two wild pairs would overflow


def estimate(outcome: Outcome) -> str:
    """The estimate with its unit, and as many digits as its interval warrants."""
    value, part = outcome.estimate, outcome.part
    if value is None:
        return NOTHING
    if isinstance(part, Exact):
        return format_amount(value, outcome.unit)
    width = (outcome.interval[1] - outcome.interval[0]) / 2 if outcome.interval else 0
    places = decimal_places(width or value, 2 if width else 3)
    if part.ratio:
        return f"{TIMES}{format_fixed(value, places)}"
    return f"{format_fixed(value, places, signed=True)} {outcome.unit}".strip()


def paired(outcome: Outcome) -> str:
    """The number of pairs, and at which look."""
    return f"{outcome.pairs}, look {outcome.look} of {len(INTERIM_ANALYSES)}" if outcome.look else str(outcome.pairs)
