"""What a planned number of seeds can decide, from the spread of a pilot: the baseline against itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ablations import AGAIN, Contrast, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.seeds import seeds_per_arm
from bench.records import store
from bench.spec.jobs import Trial
from reports.statistics import power
from reports.statistics.effect_size import standard_deviation
from reports.statistics.pairs import Arms, collect_pairs, tabulate
from reports.statistics.verdicts import margin_of
from reports.tables import observations

TRAINED = ("train/", "validation/", "test/", "gap/", "batch/", "memory/", "speed/", "sparsity/", "gradient/")


class Pilot(NamedTuple):
    """Spread of the baseline's differences from itself.

    Attributes:
        deviation: Standard deviation, on the scale of the part's differences.
        pairs: Number of pairs that it rests on.
    """

    deviation: float
    pairs: int


class Prospect(NamedTuple):
    """What a number of seeds can decide about one part of a claim, with a power of 0.8.

    Attributes:
        part: The contrast.
        seeds: Planned number of seeds.
        pilot: None before the baseline has two finished trials of its own and two of the A/A arm.
        detectable: Smallest true difference that these seeds detect, on the scale of the differences.
        supportable: Smallest true difference with which these seeds support the claim, likewise.
        pairs_to_detect: Pairs that detect a difference as large as the margin; None above `power.MAX_PAIRS`.
        pairs_to_equate: Pairs that rule such a difference out, likewise.
    """

    part: Contrast
    seeds: int
    pilot: Pilot | None = None
    detectable: float | None = None
    supportable: float | None = None
    pairs_to_detect: int | None = None
    pairs_to_equate: int | None = None


def estimate_prospects(study: Study, setting: Setting, out: Path) -> Iterator[tuple[str, Prospect]]:
    """Estimate what the planned seeds can decide about each trained part of a study's claims.

    Args:
        study: The study.
        setting: How many seeds it gets.
        out: Output folder with the records of the pilot.

    Yields:
        (claim id, prospect)
    """
    jobs = expand_study(study, setting) if study.arms else []
    placed = [p for p in jobs if isinstance(p.job, Trial) and p.arm in (study.baseline, AGAIN)]
    records = {name: record for p in placed if (record := store.read(out, name := observations.identity(p.job)))}
    table = tabulate(observations.tabulate_observations(placed, records))
    for claim in study.claims:
        for part in claim.parts:
            if isinstance(part, Contrast) and part.metric.startswith(TRAINED):
                pilot = _measure_pilot(study, part, table.get((study.name, part.metric), {}))
                yield claim.id, _estimate(part, seeds_per_arm(study, setting), pilot)


def _measure_pilot(study: Study, part: Contrast, arms: Arms) -> Pilot | None:
    """The baseline's spread against itself; for a constant reference, the baseline's own spread."""
    reference = study.baseline if isinstance(part.reference, str) else part.reference
    pairs = collect_pairs(Contrast(part.metric, AGAIN, reference, part.margin, ratio=part.ratio), arms)
    deviation = standard_deviation(pairs.differences)
    return None if deviation is None else Pilot(deviation, len(pairs.arm))


def _estimate(part: Contrast, seeds: int, pilot: Pilot | None) -> Prospect:
    if pilot is None:
        return Prospect(part, seeds)
    deviation, margin = pilot.deviation, margin_of(part)
    return Prospect(
        part,
        seeds,
        pilot,
        power.detectable_difference(deviation, seeds),
        power.supportable_difference(deviation, seeds, margin),
        power.pairs_to_detect(deviation, margin),
        power.pairs_to_equate(deviation, margin),
    )
