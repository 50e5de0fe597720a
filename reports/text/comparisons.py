"""Words for a claim's setting and for each of its parts: the comparison, the claimed effect, the measured effect."""

from ablations import Claim, Contrast, Exact, Requires
from ablations.framework.seeds import INTERIM_ANALYSES, TIMED
from bench.metrics.table import describe_metric
from reports.statistics.outcomes import Outcome, Requirement
from reports.statistics.paired_tests import Interval
from reports.text.formatting import (
    MINUS,
    NOTHING,
    TIMES,
    decimal_places,
    format_amount,
    format_fixed,
    format_interval,
    format_number,
    pluralize,
)

CLAIMED = {"higher": ("at least", "+"), "lower": ("at most", MINUS), "equal": ("within", "±")}
EFFECTS = {  # of a difference, and of a ratio
    ("higher", False): "at least +{}",
    ("lower", False): "at least {} lower",
    ("equal", False): "equal within {}",
    ("higher", True): "at least {} times as large",
    ("lower", True): "lower by a factor of at least {}",
    ("equal", True): "equal within a factor of {}",
}
AGAINST = " against "
WIDE = 4.0  # factor between the bounds of a ratio's interval


def describe_setting(claim: Claim) -> str:
    """Describe the setting that decides a claim, in one line: setting, comparisons with their margins, preconditions.

    An example: 'AlexNet; both against none: test accuracy at least +1 point; needs none: train accuracy at least
    95 %'.
    """
    bounds: dict[str, list[str]] = {}
    for requires in claim.requires:
        bounds.setdefault(requires.arm, []).append(f"{short_label(requires.metric)} {format_bound(requires)}")
    needs = [f"{arm}: {' and '.join(texts)}" for arm, texts in bounds.items()]
    return "; ".join(
        filter(None, (claim.setting, describe_stated(claim), f"needs {', '.join(needs)}" if needs else ""))
    )


def describe_stated(claim: Claim) -> str:
    """Describe the comparisons that decide a claim; those of one effect, and effects of one comparison, together."""
    references_by_effect: dict[str, dict[str, list[str]]] = {}
    for part in claim.stated:
        arm, _, reference = (
            describe_part(part).removeprefix(f"{describe_metric(part.metric).label}, ").partition(AGAINST)
        )
        references = references_by_effect.setdefault(f"{short_label(part.metric)} {_claimed_phrase(part)}", {})
        references.setdefault(arm, []).extend([reference] if reference else [])
    effects: dict[str, list[str]] = {}
    for effect, references_by_arm in references_by_effect.items():
        texts = [AGAINST.join(filter(None, (arm, " and ".join(refs)))) for arm, refs in references_by_arm.items()]
        effects.setdefault(" and ".join(texts), []).append(effect)
    return "; ".join(f"{compared}: {' and '.join(texts)}" for compared, texts in effects.items())


def _claimed_phrase(part: Contrast | Exact) -> str:
    """Say what the claim gives for the part's value: 'at least 2 points lower'."""
    if isinstance(part, Exact):
        return claimed_range(part)
    margin = format_number(part.margin) if part.ratio else format_amount(part.margin, part_unit(part))
    return EFFECTS[part.direction, part.ratio].format(margin)


def short_label(metric: str) -> str:
    """Return a metric's label without its explanation in brackets."""
    return describe_metric(metric).label.partition(" (")[0]


def format_bound(requires: Requires) -> str:
    """Format the bounds of a precondition: 'at least 95 %' or '15 to 30 %'."""
    unit, low, high = describe_metric(requires.metric).unit, requires.at_least, requires.at_most
    if low is not None and high is not None:
        return f"{format_number(low)} to {format_amount(high, unit)}"
    return f"at most {format_amount(high, unit)}" if high is not None else f"at least {format_amount(low or 0.0, unit)}"


def describe_requirement(requirement: Requirement) -> str:
    """Describe a precondition with its result: 'train accuracy of none: 64.0 %, not met (at least 95 %)'."""
    requires, result = requirement.requires, "not measured"
    if requirement.value is not None:
        result = f"{format_measured(requirement)}, {'met' if requirement.is_met else 'not met'}"
    return f"{short_label(requires.metric)} of {requires.arm}: {result} ({format_bound(requires)})"


def format_measured(requirement: Requirement) -> str:
    """Format the measured value of a precondition with its unit; it is not rounded to the other side of the bound."""
    value, is_met_by = requirement.value, requirement.requires.is_met_by
    if value is None:
        return NOTHING
    places = next((n for n in range(1, 6) if is_met_by(round(value, n)) == is_met_by(value)), 6)
    return f"{format_fixed(value, places)} {describe_metric(requirement.requires.metric).unit}".strip()


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
    return f"{metric.label}, {part.arm}" + f"{AGAINST}{reference}" * bool(reference)


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


def describe_required(part: Contrast | Exact) -> str:
    """Range or bound that the claim gives for the part's measured value."""
    return claimed_range(part) if isinstance(part, Exact) else claimed_effect(part)


def format_estimate(outcome: Outcome) -> str:
    """Format the estimate with its unit, with as many digits as its interval warrants."""
    if outcome.estimate is None:
        return NOTHING
    return format_value(outcome.part, outcome.estimate, outcome.interval)


def format_value(part: Contrast | Exact, value: float, interval: Interval | None) -> str:
    """Format a count, difference or ratio.

    Args:
        part: The part of a claim that it belongs to, for its unit.
        value: The number, in that unit.
        interval: Its interval, which sets the number of digits.
    """
    if isinstance(part, Exact):
        return format_amount(value, part_unit(part))
    half = (interval[1] - interval[0]) / 2 if interval else 0
    places = decimal_places(half or value, 2 if half else 3)
    if is_wide(part, interval):
        return f"{TIMES}{format_number(value, 2)}"
    if part.ratio:
        return f"{TIMES}{format_fixed(value, places)}"
    return f"{format_fixed(value, places, signed=True)} {part_unit(part)}".strip()


def is_wide(part: Contrast | Exact, interval: Interval | None) -> bool:
    """Whether a ratio's interval spans such a factor that its bounds need digits of their own."""
    return isinstance(part, Contrast) and part.ratio and interval is not None and interval[1] > WIDE * interval[0]


def format_bounds(part: Contrast | Exact, interval: Interval | None) -> str:
    """Format the interval of a part's estimate, with as many digits as its width warrants; or a dash."""
    if interval is not None and is_wide(part, interval):
        return f"[{format_number(interval[0], 2)}, {format_number(interval[1], 2)}]"
    return format_interval(interval)


def format_interim_analysis(number: int) -> str:
    """Format an interim analysis: 'look 2 of 4'."""
    return f"look {number} of {len(INTERIM_ANALYSES)}"


def format_pairs(outcome: Outcome) -> str:
    """Format the number of pairs, with the interim analysis if there is one: '5, look 2 of 4'.

    A combination of arms has more than two trials a pair, which are counted, too: '2 (64 trials)'.
    """
    analysis, trials = outcome.interim_analysis, len(outcome.trials)
    counts = f"{outcome.pairs}" + f" ({trials} trials)" * (trials > 2 * outcome.pairs)
    return f"{counts}, {format_interim_analysis(analysis)}" if analysis else counts


def describe_sample(outcome: Outcome) -> str:
    """Count what an estimate rests on: '5 pairs', '15 rounds' of a timing, '64 trials of 2 seeds' of combined arms."""
    trials = len(outcome.trials)
    if outcome.part.metric.startswith(TIMED):
        return pluralize(outcome.pairs, "round")
    if trials > 2 * outcome.pairs:
        return f"{trials} trials of {pluralize(outcome.pairs, 'seed')}"
    return pluralize(outcome.pairs, "pair")
