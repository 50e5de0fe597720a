"""Sentences for the codes and numbers of verdicts: why, what would change them, where their records come from."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ablations import Contrast, Exact
from ablations.framework.seeds import INTERIM_ANALYSES
from bench.metrics.table import describe_metric
from reports.prospects import Prospect
from reports.statistics.judge import Judgement
from reports.statistics.outcomes import Outcome, Reason
from reports.statistics.power import MAX_PAIRS, POWER
from reports.tables.provenance import FIELDS, Origins
from reports.text.comparisons import claimed_range, describe_part, format_interim_analysis, part_unit
from reports.text.formatting import TIMES, format_amount, pluralize

NAMED_VALUES = 5  # values of a field that are named one by one
REASONS = {
    Reason.NOT_COUNTED: "nothing was counted",
    Reason.COUNT_AS_CLAIMED: "the count is {count}, as stated: {range}",
    Reason.COUNT_NOT_AS_CLAIMED: "the count is {count}, not as stated: {range}",
    Reason.NOT_MEASURED: "nothing was measured",
    Reason.DEVICES_MIXED: ("its records mix devices ({devices}), and a speed holds for the device it was measured on"),
    Reason.MACHINE_BUSY: "the machine was not quiet while this was timed; run again when it is",
    Reason.BEFORE_FIRST_ANALYSIS: "{pairs} so far, and the first look comes at {first}",
    Reason.ONE_PAIR: "one pair has no spread to judge by; at least 2 are needed",
    Reason.DIFFERENCES_EQUAL: "all {number} differences are equal: they leave no spread to judge by",
    Reason.TOO_FEW_REACHED: "too few pairs have a value that was reached within the budget",
    Reason.MARGIN_REACHED: (
        "the mean {kind} goes the claimed way and reaches the margin of {margin}; {none} is ruled out"
    ),
    Reason.MARGIN_REACHED_AGAINST_CLAIM: (
        "the mean {kind} goes against the claim and reaches the margin of {margin}; {none} is ruled out"
    ),
    Reason.BEYOND_MARGIN: "the 95 % interval lies wholly beyond the margin of {margin}",
    Reason.WITHIN_MARGIN: "the 90 % interval lies within the margin of {margin} to either side",
    Reason.CENSORED_MAY_REVERSE: "the values that were not reached could turn the difference round",
    Reason.CENSORED_MAY_EXCEED: "the values that were not reached may lie anywhere beyond the margin",
    Reason.INTERVAL_TOO_WIDE: (
        "the 95 % interval reaches further to either side than the margin of {margin}; {needed} would show {shown}, "
        f"power {POWER}"
    ),
    Reason.MAY_BE_CHANCE: "the margin is reached, but among so many claims that may be chance",
    Reason.ACROSS_MARGIN: "the interval lies neither within the margin of {margin} nor wholly beyond it",
    Reason.BELOW_MARGIN: "a difference is shown, but its mean is smaller than the margin of {margin}",
    Reason.NOTHING_SHOWN: "neither a difference nor its absence within the margin of {margin} is shown",
}
OUTLOOKS = {
    "supported": (
        "Further seeds would change it if they brought the mean below the margin of {margin}, or p above 0.05; another "
        "data set, width or budget may differ."
    ),
    "no effect": "Further seeds would change it only if the 90 % interval left the margins; a smaller margin might.",
    "underpowered": "More seeds: {needed} would decide about an effect as large as the margin.",
    "inconclusive": (
        "More seeds would narrow the interval, and move it off the margin or off zero where the truth lies there."
    ),
    "not run": "Measurements: nothing that it could be judged by was recorded.",
    "conditional": "It would be one verdict for all if the regimes agreed; each has its own part below.",
}
OUTLOOKS["refuted"] = OUTLOOKS["supported"]


def explain_outcome(outcome: Outcome) -> str:
    """Say why a part has its verdict, with remarks on values that are censored, missing or waiting."""
    reason = REASONS[outcome.reason].format(**_facts(outcome))
    censored, missing, waiting = outcome.censored, outcome.missing, outcome.waiting
    reason += f"; {pluralize(censored, 'value')} not reached within the budget" * bool(censored)
    reason += f"; {pluralize(missing, 'pair')} missing" * bool(missing)
    if not outcome.interim_analysis:
        return reason
    aside = f", which leaves {pluralize(waiting, 'pair')} aside" * bool(waiting)
    return f"{reason}; sequential, {format_interim_analysis(outcome.interim_analysis)}{aside}"


def explain_judgement(judgement: Judgement) -> str:
    """Say why a claim has its verdict: by its regimes where they differ, else by the part that decided."""
    regimes, main = judgement.regimes, judgement.main
    if len(set(regimes.values())) > 1:
        verdicts = "; ".join(f"{regime}: {verdict}" for regime, verdict in regimes.items())
        none = "" if "supported" in regimes.values() else "; none supports the claim"
        return f"on {judgement.claim.regimes}: {verdicts}{none}"
    if len(judgement.outcomes) == 1:
        return explain_outcome(main)
    if main.verdict == "supported":
        return f"all {len(judgement.outcomes)} parts hold"
    return f"{describe_part(main.part)}: {explain_outcome(main)}"


def describe_outlook(judgement: Judgement) -> str:
    """Say what would change a verdict."""
    main = judgement.main
    if isinstance(main.part, Exact) and judgement.verdict in ("supported", "refuted"):
        return "Only another network could change what was counted."
    facts = _facts(main) | ({} if main.needed else {"needed": "many more pairs"})
    return OUTLOOKS[judgement.verdict].format(**facts)


def describe_origins(origins: Origins, subject: str) -> str:
    """Say what differs between the environments of records; nothing where nothing does.

    Args:
        origins: Values of each field that differs.
        subject: Subject of the sentence, in the plural.
    """
    counts = [f"{len(values):,} {FIELDS[name]} ({_list(values)})" for name, values in origins.items()]
    together = " and ".join(filter(None, (", ".join(counts[:-1]), *counts[-1:])))
    return f"{subject} come from {together}." if counts else ""


def describe_prospects(prospects: Iterable[tuple[str, Prospect]]) -> list[tuple[str, str]]:
    """Say what a planned number of seeds can decide: (claim id, sentence), each once."""
    return list(dict.fromkeys((claim, _describe_prospect(prospect)) for claim, prospect in prospects))


def _describe_prospect(prospect: Prospect) -> str:
    part, label = prospect.part, describe_metric(prospect.part.metric).label
    if prospect.pilot is None:
        return f"{label}: no pilot yet"
    detect, equate = (
        f"more than {MAX_PAIRS:,}" if pairs is None else f"{pairs:,}"
        for pairs in (prospect.pairs_to_detect, prospect.pairs_to_equate)
    )
    return (
        f"{label}: {pluralize(prospect.seeds, 'seed')} {_decidable(prospect)}; the margin, {_margin(part)}, takes "
        f"{detect} seeds to detect, {equate} to rule out (pilot of {pluralize(prospect.pilot.pairs, 'pair')})"
    )


def _decidable(prospect: Prospect) -> str:
    if prospect.detectable is None or prospect.supportable is None:
        return "decide nothing"
    detectable, supportable = (_effect(prospect.part, size) for size in (prospect.detectable, prospect.supportable))
    support = f", support the claim from {supportable}" * (prospect.part.direction != "equal")
    return f"detect {detectable}{support}"


def _effect(part: Contrast, difference: float) -> str:
    return format_amount(math.exp(min(difference, 700)) if part.ratio else difference, part_unit(part))


def _margin(part: Contrast) -> str:
    return format_amount(part.margin, part_unit(part))


def _facts(outcome: Outcome) -> dict[str, str]:
    """What the sentences of a part may need."""
    part, devices = outcome.part, _list(outcome.devices)
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
        "shown": "that nothing differs by as much, where nothing does" if equal else "an effect as large as the margin",
    }


def _list(values: tuple[str, ...]) -> str:
    rest = len(values) - NAMED_VALUES
    return ", ".join(values[:NAMED_VALUES]) + f" and {rest:,} more" * (rest > 0)
