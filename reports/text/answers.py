"""What was measured, in plain words: the answer to a topic, and the numbers that decided a claim."""

from collections.abc import Sequence

from ablations import Contrast, Exact
from bench.metrics.table import describe_metric
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.comparisons import (
    AGAINST,
    describe_requirement,
    format_bound,
    format_bounds,
    format_estimate,
    format_measured,
    part_unit,
    short_label,
)
from reports.text.formatting import decimal_places, format_amount, format_fixed, format_list, pluralize
from reports.text.reasons import explain_outcome

MAX_OTHERS = 6  # claims of a topic that are named beside the first


def answer_topic(judgements: Sequence[Judgement]) -> str:
    """Say what was measured for a topic's first claim, and the verdicts on its other claims."""
    lead, *others = judgements
    unmet = [requirement for requirement in lead.requirements if requirement.is_met is False]
    measured = describe_requirement(unmet[0]) if unmet else describe_result(lead.main) + _describe_other_parts(lead)
    other_verdicts = format_list((f"{judgement.claim.id} {judgement.verdict}" for judgement in others), MAX_OTHERS)
    return f"{lead.claim.id}: {measured}." + f" Also: {other_verdicts}." * bool(others)


def _describe_other_parts(judgement: Judgement) -> str:
    """Say what the other stated parts of a claim mean for its verdict; '' if there are none."""
    count = len(judgement.outcomes)
    if count == 1 or judgement.verdict == "not run":
        return ""
    if judgement.verdict == "supported":
        return f"; all {count} stated comparisons hold"
    return f"; of {count} stated comparisons this one decides"


def describe_result(outcome: Outcome) -> str:
    """Describe what was measured: 'test accuracy: 3.0 points higher for both than for none (95 % interval ...)'."""
    part, estimate = outcome.part, outcome.estimate
    label = short_label(part.metric)
    if estimate is None:
        return f"{label} of {part.arm}: {explain_outcome(outcome)}"
    if isinstance(part, Exact):
        return f"{label} of {part.arm}{AGAINST * bool(part.reference)}{part.reference}: {format_estimate(outcome)}"
    half = (outcome.interval[1] - outcome.interval[0]) / 2 if outcome.interval else 0.0
    places = decimal_places(half or estimate, 2 if half else 3)
    certainty = [f"95 % interval {format_bounds(outcome)}"] if outcome.interval else []
    certainty.append(pluralize(outcome.pairs, "pair"))
    certainty += [f"{pluralize(outcome.censored, 'value')} not reached"] * bool(outcome.censored)
    certainty += [f"{pluralize(outcome.diverged, 'trial')} diverged"] * bool(outcome.diverged)
    if part.ratio:
        comparison = f"{format_estimate(outcome)} for {part.arm} against {part.reference}"
    else:
        comparison = _compare(part, estimate, places)
    return f"{label}: {comparison} ({', '.join(certainty)})"


def _compare(part: Contrast, estimate: float, places: int) -> str:
    """Compare the means of the arm and its reference: '3.0 points higher for both than for none'."""
    reference, unit = part.reference, part_unit(part)
    if reference == 0:
        return f"{format_fixed(estimate, places, signed=True)} {unit}".strip() + f" for {part.arm}"
    if not isinstance(reference, str):
        metric = describe_metric(part.metric)
        reference = format_amount(reference * metric.factor, metric.unit)
    if estimate == 0:
        return f"no difference between {part.arm} and {reference}"
    amount = f"{format_fixed(abs(estimate), places)} {unit}".strip()
    return f"{amount} {'higher' if estimate > 0 else 'lower'} for {part.arm} than for {reference}"


def format_result(judgement: Judgement) -> str:
    """Format the numbers that decided: of a precondition that is not met, or of the deciding part."""
    unmet = [requirement for requirement in judgement.requirements if requirement.is_met is False]
    if judgement.verdict != "not testable here" or not unmet:
        return format_numbers(judgement.main)
    requires = unmet[0].requires
    return f"{short_label(requires.metric)} {format_measured(unmet[0])}, not {format_bound(requires)}"


def format_numbers(outcome: Outcome) -> str:
    """Format the estimate of a part with its 95 % interval, if it has one."""
    interval = format_bounds(outcome) if outcome.interval else ""
    censored = f", {outcome.censored} not reached" * bool(outcome.censored)
    return f"{format_estimate(outcome)} {interval}".strip() + censored
