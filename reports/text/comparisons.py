"""Words for a part of a claim: the comparison, the claimed effect, the measured effect."""

from ablations import Contrast, Exact
from ablations.framework.seeds import INTERIM_ANALYSES
from bench.metrics.table import describe_metric
from reports.statistics.outcomes import Outcome
from reports.text.formatting import MINUS, NOTHING, TIMES, decimal_places, format_amount, format_fixed, format_number

CLAIMED = {"higher": ("at least", "+"), "lower": ("at most", MINUS), "equal": ("within", "±")}


def part_unit(part: Contrast | Exact) -> str:
    """Unit of the judged value: of a ratio, of a difference, or of a count."""
    if isinstance(part, Exact):
        return TIMES if part.reference else describe_metric(part.metric).unit
    return TIMES if part.ratio else describe_metric(part.metric).difference


def describe_part(part: Contrast | Exact) -> str:
    """Describe the comparison: 'test accuracy, LRN against none'."""
    metric, reference = describe_metric(part.metric), part.reference
    if not isinstance(reference, str):
        reference = "zero" if reference == 0 else format_amount(reference * metric.factor, metric.unit)
    return f"{metric.label}, {part.arm}" + f" against {reference}" * bool(reference)


def claimed_range(part: Exact) -> str:
    """Range that the claim gives for a count: '94.5 to below 95.5 %'."""
    factor = 1 if part.reference else describe_metric(part.metric).factor
    low, high = part.low * factor, part.high * factor
    below = f"below {format_amount(high, part_unit(part))}"
    return f"{format_amount(low, TIMES if part.reference else '')} to {below}" if low else below


def claimed_effect(part: Contrast) -> str:
    """Bound that the claim gives for the mean difference or ratio: 'at least +0.5'."""
    words, sign = CLAIMED[part.direction]
    if part.ratio:
        return f"{words} {TIMES}{'1/' if part.direction == 'lower' else ''}{format_number(part.margin)}"
    return f"{words} {sign}{format_number(part.margin)}"


def describe_requirement(part: Contrast | Exact) -> str:
    """Range or bound that the claim gives for the part's measured value."""
    return claimed_range(part) if isinstance(part, Exact) else claimed_effect(part)


def format_estimate(outcome: Outcome) -> str:
    """Format the estimate with its unit, with as many digits as its interval warrants."""
    value, part = outcome.estimate, outcome.part
    if value is None:
        return NOTHING
    if isinstance(part, Exact):
        return format_amount(value, part_unit(part))
    half = (outcome.interval[1] - outcome.interval[0]) / 2 if outcome.interval else 0
    places = decimal_places(half or value, 2 if half else 3)
    if part.ratio:
        return f"{TIMES}{format_fixed(value, places)}"
    return f"{format_fixed(value, places, signed=True)} {part_unit(part)}".strip()


def format_interim_analysis(number: int) -> str:
    """Format an interim analysis: 'look 2 of 3'."""
    return f"look {number} of {len(INTERIM_ANALYSES)}"


def format_pairs(outcome: Outcome) -> str:
    """Format the number of pairs, with the interim analysis if there is one: '10, look 2 of 3'."""
    analysis = outcome.interim_analysis
    return f"{outcome.pairs}, {format_interim_analysis(analysis)}" if analysis else str(outcome.pairs)
