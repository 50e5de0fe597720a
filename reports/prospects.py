"""Differences that a planned number of seeds can decide, from a pilot: the baseline against itself."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ablations import AGAIN, Contrast, Setting, Study
from ablations.framework.claim import compared_names
from ablations.framework.expand import expand_study
from ablations.framework.seeds import INTERIM_ANALYSES, has_interim_analyses, is_trial_metric, seeds_per_arm
from bench.records import store
from bench.spec.jobs import Trial, identity
from reports.statistics import power
from reports.statistics.paired_tests import standard_deviation
from reports.statistics.pairs import Arms, Pairs, collect_pairs, tabulate
from reports.statistics.part_verdicts import margin_of
from reports.tables import observations


class Prospect(NamedTuple):
    """Differences that a number of seeds can decide in one part of a claim, with a power of 0.8.

    Attributes:
        part: The contrast.
        seeds: Planned number of seeds; with interim analyses that of the last one.
        pilot_pairs: Pairs of the pilot; 0 before the baseline and the A/A arm have two finished trials each.
        detectable: Smallest true difference that these seeds detect, on the scale of the differences.
        supportable: Smallest true difference with which these seeds support the claim, likewise.
        seeds_to_detect: Seeds that detect a difference as large as the margin; None above `power.MAX_PAIRS` pairs.
        seeds_to_equate: Seeds that rule such a difference out, likewise.
    """

    part: Contrast
    seeds: int
    pilot_pairs: int = 0
    detectable: float | None = None
    supportable: float | None = None
    seeds_to_detect: int | None = None
    seeds_to_equate: int | None = None


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
            if isinstance(part, Contrast) and is_trial_metric(part.metric):
                pilot = _pilot_pairs(study, part, table.get((study.name, part.metric), {}))
                has_looks = claim.kind == "claim" and has_interim_analyses(study, setting)
                seeds = INTERIM_ANALYSES[-1] if has_looks else fixed_seeds
                yield claim.id, _estimate(part, seeds, pilot, _spread(study, part), _pairs_per_seed(study, part))


def _pilot_pairs(study: Study, part: Contrast, arms: Arms) -> Pairs:
    """Pair the baseline with itself under other seeds; for a constant reference, the A/A arm with the constant."""
    reference = study.baseline if isinstance(part.reference, str) else part.reference
    return collect_pairs(Contrast(part.metric, AGAIN, reference, part.margin, ratio=part.ratio), arms)


def _pairs_per_seed(study: Study, part: Contrast) -> int:
    """Return how many pairs of trials a seed gives: 1, and half the trials of a factorial for an effect of all arms."""
    weights = study.combinations.get(part.arm, {})
    return len(weights) // 2 if study.switches and len(weights) == len(study.arms) else 1


def _spread(study: Study, part: Contrast) -> float:
    """Return the deviation of the part's difference over that of the pilot's, if all trials have the same deviation.

    The pilot's difference is that of as many trials as the part has names. A weighted sum of independent trials has
    their variance times the sum of the squared weights; a pair of a factorial's trials has twice their variance.
    """
    names = compared_names(part)
    if _pairs_per_seed(study, part) > 1:
        return math.sqrt(2 / len(names))
    weights = [weight for name in names for weight in study.combinations.get(name, {name: 1.0}).values()]
    return math.sqrt(math.fsum(weight**2 for weight in weights) / len(names))


def _estimate(part: Contrast, seeds: int, pilot: Pairs, spread: float, pairs_per_seed: int) -> Prospect:
    pilot_deviation, margin = standard_deviation(pilot.differences), margin_of(part)
    if pilot_deviation is None:
        return Prospect(part, seeds)
    deviation, pairs = pilot_deviation * spread, seeds * pairs_per_seed
    detectable = power.detectable_difference(deviation, pairs)
    supportable = power.supportable_difference(deviation, pairs, margin)
    pairs_needed = power.pairs_to_detect(deviation, margin), power.pairs_to_equate(deviation, margin)
    seeds_needed = [number and math.ceil(number / pairs_per_seed) for number in pairs_needed]
    return Prospect(part, seeds, len(pilot.arm), detectable, supportable, *seeds_needed)
