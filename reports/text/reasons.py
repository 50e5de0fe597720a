"""Sentences for the codes and numbers of verdicts: why, what would change them, where their records come from."""

from ablations import Contrast, Exact
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import CheckResult, Outcome, Reason
from reports.statistics.power import MAX_PAIRS, POWER
from reports.tables.provenance import FIELDS, Origins
from reports.text.comparisons import (
    claimed_range,
    describe_part,
    describe_requirement,
    format_bounds,
    format_interim_analysis,
    format_value,
    part_unit,
)
from reports.text.formatting import TIMES, format_amount, format_list, format_p_value, pluralize

MAX_NAMED = 5  # values of a field that are named one by one
REASONS: dict[Reason, str] = {
    "not_counted": "nothing was counted",
    "count_as_claimed": "the count is {count}, as stated: {range}",
    "count_not_as_claimed": "the count is {count}, not as stated: {range}",
    "not_measured": "nothing was measured: its jobs have not run, or need another device",
    "devices_mixed": "its records mix devices ({devices}), and a speed holds for the device it was measured on",
    "machine_busy": "the machine was busy while this was timed",
    "before_first_analysis": "{pairs} so far, and the first look comes at {first}",
    "one_pair": "one pair has no spread to judge by; at least 2 are needed",
    "two_pairs_equal": "two equal differences have no spread to judge by; at least 3 are needed",
    "too_few_for_interval": "{pairs} are too few for an interval of the median",
    "too_few_reached": "too few pairs have a value that was reached within the budget",
    "margin_reached": "the {kind} goes the claimed way and reaches the margin of {margin}; {none} is ruled out",
    "margin_reached_against_claim": (
        "the {kind} goes against the claim and reaches the margin of {margin}; {none} is ruled out"
    ),
    "beyond_margin": "the 95 % interval lies wholly beyond the margin of {margin}",
    "within_margin": "the 90 % interval lies within the margin of {margin} to either side",
    "negligible_none_shown": (
        "no {kind} is shown after correction for the number of claims, and the 90 % interval lies within the margin of "
        "{margin} to either side"
    ),
    "negligible_though_shown": (
        "a {kind} is shown, but it is smaller than the margin: the 90 % interval lies within {margin} to either side"
    ),
    "all_pairs_agree": (
        "all {number} pairs agree: each {kind} is the same, goes the claimed way and reaches the margin of {margin}"
    ),
    "all_pairs_disagree_with_claim": (
        "all {number} pairs agree: each {kind} is the same, goes against the claim and reaches the margin of {margin}"
    ),
    "all_pairs_beyond_margin": "all {number} pairs have the same {kind}, which lies beyond the margin of {margin}",
    "all_pairs_within_margin": "all {number} pairs have the same {kind}, which lies within the margin of {margin}",
    "no_differences": "none of the {number} pairs shows any difference",
    "censored_may_reverse": "the values that were not reached could reverse the sign of the difference",
    "censored_may_exceed": "the values that were not reached may lie anywhere beyond the margin",
    "interval_too_wide": (
        "the 95 % interval reaches further to either side than the margin of {margin}; {needed} would show {shown}, "
        f"power {POWER}"
    ),
    "may_be_chance": "the margin is reached, but among so many claims that may be chance",
    "across_margin": "the interval lies neither within the margin of {margin} nor wholly beyond it",
    "below_margin": "a {kind} is shown, but it is smaller than the margin of {margin}",
    "nothing_shown": "neither a difference nor its absence within the margin of {margin} is shown",
}
OUTLOOKS = {  # answers to 'What could change it?'
    "supported": ("Seeds that bring the estimate below the margin of {margin}, or p above 0.05."),
    "negligible": "Seeds that bring the 90 % interval out of the margins; a smaller margin.",
    "underpowered": "More seeds: {needed} would decide about an effect as large as the margin.",
    "inconclusive": "More seeds, which narrow the interval and move it off the margin or zero where the truth is.",
    "not testable here": "A network that meets the preconditions{advice}.",
    "not run": "A measurement that it can be judged by.",
}
OUTLOOKS["refuted"] = OUTLOOKS["supported"]
EQUALITY_OUTLOOK = "Seeds that move the interval across the margin of {margin}."


def explain_outcome(outcome: Outcome) -> str:
    """Say why a part has its verdict, with remarks on values that are censored, diverged, missing or waiting."""
    reason = REASONS[outcome.reason].format(**_facts(outcome))
    censored, missing, waiting = outcome.censored, outcome.missing, outcome.waiting
    reason += f"; {pluralize(censored, 'value')} not reached within the budget" * bool(censored)
    if outcome.diverged:
        reason += f"; {pluralize(outcome.diverged, 'trial')} diverged, counted with accuracy at chance"
    reason += f"; {pluralize(missing, 'pair')} missing" * bool(missing)
    if outcome.interim_analysis:
        leftover_text = f", which leaves {pluralize(waiting, 'pair')} aside" * bool(waiting)
        reason += f"; sequential, {format_interim_analysis(outcome.interim_analysis)}{leftover_text}"
    return reason


def explain_judgement(judgement: Judgement) -> str:
    """Say why a claim has its verdict: by a precondition that is not met, else by the stated part that decided."""
    if judgement.verdict == "not testable here" and judgement.unmet:
        return f"precondition: {', '.join(map(describe_requirement, judgement.unmet))}"
    main = judgement.main
    if len(judgement.outcomes) == 1:
        return explain_outcome(main)
    if main.verdict == "supported":
        return "both parts hold" if len(judgement.outcomes) == 2 else f"all {len(judgement.outcomes)} parts hold"
    return f"{describe_part(main.part)}: {explain_outcome(main)}"


def explain_check(check: CheckResult) -> tuple[str, str]:
    """Compare a robustness check with the stated setting: what is shown, and its numbers or ''.

    The numbers can be wrapped between estimate, interval and p alone.
    """
    if check.is_same_trials:
        return "the same trials", ""
    if check.interaction is None:
        return "not comparable", ""
    estimate, interval, p_value = check.interaction
    difference = format_value(check.outcome.part, estimate, interval)
    words = (
        difference,
        f"{format_bounds(check.outcome.part, interval)},",
        f"p = {format_p_value(p_value)}".replace("= <", "<"),
    )
    numbers = " ".join(word.replace(" ", "\N{NO-BREAK SPACE}") for word in words)
    return "different from the stated setting" if check.differs else "not shown to differ", numbers


def describe_outlook(judgement: Judgement) -> str:
    """Say what would change a verdict."""
    main, outlook = judgement.main, OUTLOOKS[judgement.verdict]
    if main.reason == "machine_busy":
        return "The next run repeats the timing: run it when nothing else runs on the machine."
    if judgement.verdict in ("supported", "refuted"):
        if isinstance(main.part, Exact):
            return "Only another network."
        if main.part.direction == "equal":
            outlook = EQUALITY_OUTLOOK
    facts = _facts(main) | ({} if main.needed else {"needed": "many more pairs"})
    advice = list(dict.fromkeys(advice for unmet in judgement.unmet if (advice := unmet.requires.advice)))
    return outlook.format(**facts, advice=f", for instance with {'; '.join(advice)}" if advice else "")


def describe_origins(origins: Origins, subject: str) -> str:
    """Describe the differences between the environments of records; '' if there are none.

    Args:
        origins: Values of each field that differs.
        subject: Subject of the sentence, in the plural.
    """
    counts = [f"{len(values):,} {FIELDS[name]} ({format_list(values, MAX_NAMED)})" for name, values in origins.items()]
    together = " and ".join(filter(None, (", ".join(counts[:-1]), *counts[-1:])))
    return f"{subject} come from {together}." if counts else ""


def _margin(part: Contrast) -> str:
    return format_amount(part.margin, part_unit(part))


def _facts(outcome: Outcome) -> dict[str, str]:
    """Values for the placeholders in the sentences on a part."""
    part, devices = outcome.part, format_list(outcome.devices, MAX_NAMED)
    if isinstance(part, Exact):
        count = "" if outcome.estimate is None else format_amount(outcome.estimate, part_unit(part))
        return {"count": count, "range": claimed_range(part), "devices": devices}
    equal = part.direction == "equal"
    return {
        "devices": devices,
        "margin": _margin(part),
        "kind": "ratio" if part.ratio else "difference",
        "none": f"a ratio of {TIMES}1" if part.ratio else "a difference of zero",
        "number": str(outcome.pairs),
        "pairs": pluralize(outcome.pairs, "pair"),
        "first": str(INTERIM_ANALYSES[0]),
        "needed": f"about {pluralize(outcome.needed, 'pair')}" if outcome.needed else f"more than {MAX_PAIRS:,} pairs",
        "shown": "equivalence, if the arms are equal" if equal else "an effect as large as the margin",
    }
