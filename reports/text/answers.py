"""What was measured, in plain words: the answer to a topic, and the numbers that decided a claim."""

from collections.abc import Sequence

from ablations import Exact
from bench.metrics.table import describe_metric
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.comparisons import (
    describe_requirement,
    format_bound,
    format_estimate,
    format_measured,
    part_unit,
    short_label,
)
from reports.text.formatting import TIMES, decimal_places, format_amount, format_fixed, format_interval, pluralize


def answer_topic(judgements: Sequence[Judgement]) -> str:
    """Say what was measured for a topic's first claim, and the verdicts on its other claims."""
    lead, *others = judgements
    unmet = [requirement for requirement in lead.requirements if requirement.is_met is False]
    measured = describe_requirement(unmet[0]) if unmet else describe_result(lead.main)
    rest = ", ".join(f"{judgement.claim.id} {judgement.verdict}" for judgement in others)
    return f"{measured[:1].upper()}{measured[1:]}." + f" Also: {rest}." * bool(rest)


def describe_result(outcome: Outcome) -> str:
    """Describe what was measured: 'test accuracy: 3.3 points higher for both than for none (95 % interval ...)'."""
    part, estimate = outcome.part, outcome.estimate
    label = short_label(part.metric)
    if estimate is None:
        return f"{label} of {part.arm} was not measured"
    if isinstance(part, Exact):
        return f"{label} of {part.arm}: {format_estimate(outcome)}"
    half = (outcome.interval[1] - outcome.interval[0]) / 2 if outcome.interval else 0.0
    places = decimal_places(half or estimate, 2 if half else 3)
    reference, unit = part.reference, part_unit(part)
    if part.ratio:
        comparison = f"{TIMES}{format_fixed(estimate, places)} for {part.arm} against {reference}"
    elif reference == 0:
        comparison = f"{format_fixed(estimate, places, signed=True)} {unit} for {part.arm}"
    else:
        if not isinstance(reference, str):
            metric = describe_metric(part.metric)
            reference = format_amount(reference * metric.factor, metric.unit)
        word = "higher" if estimate > 0 else "lower"
        comparison = f"{format_fixed(abs(estimate), places)} {unit} {word} for {part.arm} than for {reference}"
    certainty = [f"95 % interval {_bounds(outcome, places)}"] if outcome.interval else []
    return f"{label}: {comparison} ({', '.join([*certainty, pluralize(outcome.pairs, 'pair')])})"


def _bounds(outcome: Outcome, places: int) -> str:
    low, high = outcome.interval or (0.0, 0.0)
    return f"{format_fixed(low, places)} to {format_fixed(high, places)}"


def format_result(judgement: Judgement) -> str:
    """Format the numbers that decided: of a precondition that is not met, or of the deciding part."""
    unmet = [requirement for requirement in judgement.requirements if requirement.is_met is False]
    if judgement.verdict != "not testable here" or not unmet:
        return format_numbers(judgement.main)
    requires = unmet[0].requires
    return f"{short_label(requires.metric)} {format_measured(unmet[0])}, not {format_bound(requires)}"


def format_numbers(outcome: Outcome) -> str:
    """Format the estimate of a part with its 95 % interval, if it has one."""
    interval = format_interval(outcome.interval) if outcome.interval else ""
    return f"{format_estimate(outcome)} {interval}".strip()
