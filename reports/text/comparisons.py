"""What a part of a claim compares, and what the claim says of it, in words."""

from __future__ import annotations

from ablations import Contrast, Exact
from bench.metrics.table import describe_metric
from reports.text.formatting import MINUS, PLUS_MINUS, TIMES, format_amount, format_number


def part_unit(part: Contrast | Exact) -> str:
    """The unit of what is judged: a ratio, a difference, or a count by itself."""
    if isinstance(part, Exact):
        return TIMES if part.reference else describe_metric(part.metric).unit
    return TIMES if part.ratio else describe_metric(part.metric).difference


def describe_part(part: Contrast | Exact) -> str:
    """What the part compares, in words."""
    known, reference = describe_metric(part.metric), part.reference
    if not isinstance(reference, str):
        reference = "zero" if reference == 0 else format_amount(reference * known.factor, known.unit)
    return f"{known.label}, {part.arm}" + f" against {reference}" * bool(reference)


def claimed_range(part: Exact) -> str:
    """What the claim says of a count."""
    factor = 1 if part.reference else describe_metric(part.metric).factor
    low, high = part.low * factor, part.high * factor
    below = f"below {format_amount(high, part_unit(part))}"
    return f"{format_amount(low, TIMES if part.reference else '')} to {below}" if low else below


ASKED = {"higher": ("at least", "+"), "lower": ("at most", MINUS), "equal": ("within", PLUS_MINUS)}


def claimed_effect(part: Contrast) -> str:
    """What the claim asks of the mean difference or ratio."""
    word, sign = ASKED[part.direction]
    if part.ratio:
        return f"{word} {TIMES}{'1/' if part.direction == 'lower' else ''}{format_number(part.margin)}"
    return f"{word} {sign}{format_number(part.margin)}"
