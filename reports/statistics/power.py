"""What so many seeds can decide, by the spread that a pilot showed: the baseline against itself under other seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ablations import AGAIN, Contrast, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.seeds import seeds_per_arm
from bench.metrics.table import describe_metric
from bench.records import store
from bench.spec.jobs import Trial
from reports.statistics import paired_tests
from reports.statistics.pairs import collect, tabulate
from reports.statistics.verdicts import margin_of
from reports.tables import observations
from reports.text.comparisons import part_unit
from reports.text.formatting import TIMES, format_amount, format_number, pluralize

TRAINED = ("train/", "validation/", "test/", "gap/", "batch/", "memory/", "speed/", "sparsity/", "gradient/")


class Pilot(NamedTuple):
    """The standard deviation of its differences, on the scale on which the part is judged, and from how many."""

    deviation: float
    pairs: int


def prospects(study: Study, setting: Setting, out: Path) -> Iterator[tuple[str, str]]:
    """Each trained claim with what its seeds can decide: a line for each of its metrics and margins."""
    arms = (study.baseline, AGAIN)
    jobs = expand_study(study, setting) if study.arms else []
    placed = [p for p in jobs if isinstance(p.job, Trial) and p.arm in arms]
    found = {name: record for p in placed if (record := store.read(out, name := observations.identity(p.job)))}
    table = tabulate(observations.tabulate_observations(placed, found))
    for claim in study.claims:
        parts = [p for p in claim.parts if isinstance(p, Contrast) and p.metric.startswith(TRAINED)]
        pilots = (_pilot(study, p, table.get((study.name, p.metric), {})) for p in parts)
        told = (_told(p, pilot, seeds_per_arm(study, setting)) for p, pilot in zip(parts, pilots, strict=True))
        yield from ((claim.id, line) for line in dict.fromkeys(told))


def _pilot(study: Study, part: Contrast, arms: dict[str, dict[int, observations.Observation]]) -> Pilot | None:
    """Against a constant, the baseline's own spread."""
    reference = study.baseline if isinstance(part.reference, str) else part.reference
    pairs = collect(Contrast(part.metric, AGAIN, reference, part.margin, ratio=part.ratio), arms)
    deviation = paired_tests.deviation(pairs.differences)
    return None if deviation is None else Pilot(deviation, len(pairs.arm))


def _told(part: Contrast, pilot: Pilot | None, pairs: int) -> str:
    label = describe_metric(part.metric).label
    if pilot is None:
        return f"{label}: no pilot yet"
    needs = [
        _needed(fewest(pilot.deviation, margin_of(part)))
        for fewest in (paired_tests.pairs_to_detect, paired_tests.pairs_to_equate)
    ]
    return (
        f"{label}: {pluralize(pairs, 'seed')} {_decided(part, pilot, pairs)}; a difference as large as the margin, "
        f"{format_amount(part.margin, part_unit(part))}, is told from nothing by {needs[0]}, ruled out by {needs[1]} "
        f"(pilot of {pluralize(pilot.pairs, 'pair')})"
    )


def _decided(part: Contrast, pilot: Pilot, pairs: int) -> str:
    least = paired_tests.detectable(pilot.deviation, pairs)
    supported = paired_tests.supportable(pilot.deviation, pairs, margin_of(part))
    if least is None or supported is None:
        return "decide nothing"
    told = f"tell {_size(part, least)} from nothing"
    return told if part.direction == "equal" else f"{told}, support the claim if it is {_size(part, supported)}"


def _size(part: Contrast, difference: float) -> str:
    return (
        f"{TIMES}{format_number(math.exp(min(difference, 700)))}"
        if part.ratio
        else format_amount(difference, part_unit(part))
    )


def _needed(pairs: int | None) -> str:
    return f"more than {paired_tests.MOST_PAIRS:,}" if pairs is None else str(pairs)
