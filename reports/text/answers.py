"""What was measured, in plain words: the answer to a topic, and the numbers that decided a claim."""

from ablations import Contrast, Exact
from bench.metrics.table import describe_metric
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.comparisons import (
    AGAINST,
    describe_part,
    describe_requirement,
    describe_sample,
    format_bound,
    format_bounds,
    format_estimate,
    format_measured,
    short_label,
)
from reports.text.formatting import MINUS, TIMES, format_amount, pluralize
from reports.text.reasons import explain_outcome


def answer_claim(judgement: Judgement) -> str:
    """Say what was measured for a claim: a precondition that is not met, else the stated part that decided."""
    if judgement.unmet:
        return f"{judgement.claim.id}: {describe_requirement(judgement.unmet[0])}."
    return f"{judgement.claim.id}: {describe_result(judgement.main)}{_describe_other_parts(judgement)}."


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
        return f"{describe_part(part)}: {explain_outcome(outcome)}"
    if isinstance(part, Exact):
        return f"{label} of {part.arm}{AGAINST * bool(part.reference)}{part.reference}: {format_estimate(outcome)}"
    certainty = [f"95 % interval {format_bounds(part, outcome.interval)}"] if outcome.interval else []
    certainty.append(describe_sample(outcome))
    certainty += [f"{pluralize(outcome.censored, 'value')} not reached"] * bool(outcome.censored)
    certainty += [f"{pluralize(outcome.diverged, 'trial')} diverged"] * bool(outcome.diverged)
    return f"{label}: {_compare(part, estimate, format_estimate(outcome))} ({', '.join(certainty)})"


def _compare(part: Contrast, estimate: float, text: str) -> str:
    """Compare the arm with its reference by the estimate and its text: '3.0 points higher for both than for none'."""
    reference = part.reference
    if part.ratio:
        return f"{text.removeprefix(TIMES)} times as large for {part.arm} as for {reference}"
    if reference == 0:
        return f"{text} for {part.arm}"
    if not isinstance(reference, str):
        metric = describe_metric(part.metric)
        reference = format_amount(reference * metric.factor, metric.unit)
    if estimate == 0:
        return f"no difference between {part.arm} and {reference}"
    amount, word = text.lstrip(f"+{MINUS}"), "higher" if estimate > 0 else "lower"
    return f"{amount} {word} for {part.arm} than for {reference}"


def format_result(judgement: Judgement) -> str:
    """Format the numbers that decided: of a precondition that is not met, or of the deciding part."""
    if judgement.verdict != "not testable here" or not judgement.unmet:
        return format_numbers(judgement.main)
    unmet = judgement.unmet[0]
    return f"{short_label(unmet.requires.metric)} {format_measured(unmet)}, not {format_bound(unmet.requires)}"


def format_numbers(outcome: Outcome) -> str:
    """Format the estimate of a part with its 95 % interval, if it has one."""
    interval = format_bounds(outcome.part, outcome.interval) if outcome.interval else ""
    censored = f", {outcome.censored} not reached" * bool(outcome.censored)
    return f"{format_estimate(outcome)} {interval}".strip() + censored
