"""The rules by which a contrast's pairs get a verdict, and the reason in words."""

from __future__ import annotations

import math

import numpy as np

from ablations.study import Contrast, Exact
from reports import stats
from reports.frame import unit
from reports.numbers import TIMES, counted, plain
from reports.pairs import Pairs


def decide(part: Contrast, pairs: Pairs, found: stats.Summary, p_holm: float | None) -> tuple[str, str]:
    """Verdict and reason; the first rule that fits decides.

    beyond: the mean difference reaches the margin; for an equivalence, the whole 95 % interval lies past it.
    """
    if found.mean is None or found.interval is None or found.ninety is None or p_holm is None:
        return _untested(pairs)
    low, high = found.interval
    margin, stated, equal = margin_of(part), amount(part, part.margin), part.direction == "equal"
    beyond = low > margin or high < -margin if equal else abs(found.mean) >= margin
    if beyond and p_holm <= stats.ALPHA:
        return _beyond(part, pairs, found.mean)
    if stats.equivalent(found.ninety, margin) and not pairs.censored:
        reason = f"the 90 % interval lies within the margin of {stated} to either side"
        return "supported" if equal else "no effect", reason
    if (high - low) / 2 > margin:
        needed = pairs_needed(part, pairs)
        more = f"about {counted(needed, 'pair')}" if needed else "more pairs than anybody would run"
        return "underpowered", f"the 95 % interval is wider than the margin of {stated}; {more} would decide"
    if beyond:
        return "inconclusive", "the difference exceeds the margin, but may be chance among so many claims"
    if p_holm <= stats.ALPHA:
        return "inconclusive", f"there is a difference, but it is not shown to reach the margin of {stated}"
    return "inconclusive", f"neither a difference nor equivalence within the margin of {stated} is shown"


def _beyond(part: Contrast, pairs: Pairs, mean: float) -> tuple[str, str]:
    stated = amount(part, part.margin)
    if (-1 if mean > 0 else 1) in pairs.bounds:
        return "inconclusive", "the values that were not reached could turn the difference round"
    if part.direction == "equal":
        return "refuted", f"the 95 % interval lies wholly beyond the margin of {stated}"
    if (mean > 0) == (part.direction == "higher"):
        return "supported", f"the difference goes the claimed way by at least the margin of {stated}"
    return "refuted", f"the difference goes against the claim by at least the margin of {stated}"


def _untested(pairs: Pairs) -> tuple[str, str]:
    if not pairs.fit:
        return "inconclusive", "the machine was busy while this was timed"
    if pairs.unreached:
        return "inconclusive", "too few pairs have a value that was reached within the budget"
    if pairs.arm:
        return "underpowered", "one pair has no spread; at least 2 are needed"
    return "not run", "nothing was measured"


def remarks(pairs: Pairs) -> str:
    """What a reason adds of values that are not what they seem."""
    censored = f"; {counted(pairs.censored, 'value')} not reached within the budget" if pairs.censored else ""
    return censored + (f"; {counted(pairs.missing, 'pair')} missing" if pairs.missing else "")


def pairs_needed(part: Contrast, pairs: Pairs) -> int | None:
    if len(pairs.arm) < 2:
        return None
    fewest = stats.pairs_to_equate if part.direction == "equal" else stats.pairs_to_detect
    return fewest(float(np.std(pairs.differences, ddof=1)), margin_of(part))


def margin_of(part: Contrast) -> float:
    """On the scale of the differences."""
    return math.log(part.margin) if part.ratio else part.margin


def unit_of(part: Contrast | Exact) -> str:
    is_ratio = part.ratio if isinstance(part, Contrast) else part.reference
    return TIMES if is_ratio else unit(part.metric).unit


def amount(part: Contrast | Exact, value: float) -> str:
    """A shown value with its unit."""
    name = unit_of(part)
    if name == TIMES:
        return f"{TIMES}{plain(value)}"
    return f"{plain(value)} {'point' if name == 'points' and value == 1 else name}".strip()
