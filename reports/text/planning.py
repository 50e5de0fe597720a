"""Sentences on what a planned number of seeds can decide."""

import math
from collections.abc import Iterable

from bench.metrics.table import describe_metric
from reports.prospects import Prospect
from reports.statistics.power import MAX_PAIRS
from reports.text.comparisons import part_unit
from reports.text.formatting import format_amount, pluralize


def describe_prospects(prospects: Iterable[tuple[str, Prospect]]) -> list[tuple[str, str]]:
    """Say what a planned number of seeds can decide: (claim id, sentence), each once."""
    return list(dict.fromkeys((claim, _describe_prospect(prospect)) for claim, prospect in prospects))


def _describe_prospect(prospect: Prospect) -> str:
    part, label, pairs = prospect.part, describe_metric(prospect.part.metric).label, prospect.pilot_pairs
    if not pairs:
        return f"{label}: no pilot yet"
    margin = format_amount(part.margin, part_unit(part))
    numbers = prospect.seeds_to_detect, prospect.seeds_to_equate
    detect, equate = (f"{number:,}" if number else f"more than {MAX_PAIRS:,}" for number in numbers)
    return (
        f"{label}: {pluralize(prospect.seeds, 'seed')} {_decidable(prospect)}; the margin, {margin}, takes "
        f"{detect} seeds to detect, {equate} to rule out (pilot of {pluralize(pairs, 'pair')})"
    )


def _decidable(prospect: Prospect) -> str:
    part, differences = prospect.part, (prospect.detectable, prospect.supportable)
    factors = [math.exp(min(size, 700)) if part.ratio else size for size in differences if size is not None]
    if not factors:
        return "decide nothing"
    detectable, supportable = (format_amount(factor, part_unit(part)) for factor in factors)
    return f"detect {detectable}" + f", support the claim from {supportable}" * (part.direction != "equal")
