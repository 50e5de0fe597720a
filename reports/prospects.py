"""Differences that a planned number of seeds can decide, from a pilot: the baseline against itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ablations import AGAIN, Contrast, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.seeds import INTERIM_ANALYSES, has_interim_analyses, seeds_per_arm
from bench.records import store
from bench.spec.jobs import Trial, identity
from reports.statistics import power
from reports.statistics.paired_tests import standard_deviation
from reports.statistics.pairs import Arms, Pairs, collect_pairs, tabulate
from reports.statistics.part_verdicts import margin_of
from reports.tables import observations

TRAINED = ("train/", "validation/", "test/", "gap/", "batch/", "memory/", "speed/", "sparsity/", "gradient/")


class Prospect(NamedTuple):
    """Differences that a number of seeds can decide in one part of a claim, with a power of 0.8.

    Attributes:
        part: The contrast.
        seeds: Planned number of seeds; with interim analyses that of the last one.
        pilot_pairs: Pairs of the pilot; 0 before the baseline and the A/A arm have two finished trials each.
        detectable: Smallest true difference that these seeds detect, on the scale of the differences.
        supportable: Smallest true difference with which these seeds support the claim, likewise.
        pairs_to_detect: Pairs that detect a difference as large as the margin; None above `power.MAX_PAIRS`.
        pairs_to_equate: Pairs that rule such a difference out, likewise.
    """

    part: Contrast
    seeds: int
    pilot_pairs: int = 0
    detectable: float | None = None
    supportable: float | None = None
    pairs_to_detect: int | None = None
    pairs_to_equate: int | None = None


def estimate_prospects(study: Study, setting: Setting, out: Path) -> Iterator[tuple[str, Prospect]]:
    """Estimate what the planned seeds can decide about each trained comparison that a study's claims state.

    Studies with the same baseline share its trials, and so the pilot.

    Args:
        study: The study.
        setting: The run's setting, for its number of seeds.
        out: Output folder with the records of the pilot.

    Yields:
        (claim id, prospect)
    """
    jobs = expand_study(study, setting) if study.arms else []
    placed = [p for p in jobs if isinstance(p.job, Trial) and p.arm in (study.baseline, AGAIN)]
    records = {name: record for p in placed if (record := store.read(out, name := identity(p.job)))}
    table = tabulate(observations.tabulate_observations(placed, records))
    fixed_seeds = seeds_per_arm(study, setting)
    for claim in study.claims:
        for part in claim.stated:
            if isinstance(part, Contrast) and part.metric.startswith(TRAINED):
                pilot = _pilot_pairs(study, part, table.get((study.name, part.metric), {}))
                has_looks = claim.kind == "claim" and has_interim_analyses(study, setting)
                yield claim.id, _estimate(part, INTERIM_ANALYSES[-1] if has_looks else fixed_seeds, pilot)


def _pilot_pairs(study: Study, part: Contrast, arms: Arms) -> Pairs:
    """Pair the baseline with itself under other seeds; for a constant reference, the A/A arm with the constant."""
    reference = study.baseline if isinstance(part.reference, str) else part.reference
    return collect_pairs(Contrast(part.metric, AGAIN, reference, part.margin, ratio=part.ratio), arms)


def _estimate(part: Contrast, seeds: int, pilot: Pairs) -> Prospect:
    deviation, margin = standard_deviation(pilot.differences), margin_of(part)
    if deviation is None:
        return Prospect(part, seeds)
    detectable = power.detectable_difference(deviation, seeds)
    supportable = power.supportable_difference(deviation, seeds, margin)
    pairs_needed = power.pairs_to_detect(deviation, margin), power.pairs_to_equate(deviation, margin)
    return Prospect(part, seeds, len(pilot.arm), detectable, supportable, *pairs_needed)
