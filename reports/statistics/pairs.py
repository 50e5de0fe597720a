"""Observations sorted into the pairs that a part of a claim compares."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd

from ablations import Contrast
from bench.metrics.table import describe_metric
from reports.statistics import sequential
from reports.tables.observations import Observation

Arms = Mapping[str, Mapping[int, Observation]]  # by arm, then by pair
Table = Mapping[tuple[str, str], Arms]  # by study and metric
Match = tuple[Observation, Observation]


class Design(NamedTuple):
    """What a study planned before its results.

    Attributes:
        fixed_pairs: Number of pairs of every comparison without looks that rests on trials.
        requested_seeds: Number of seeds by arm or combination, in a study whose claims have looks; empty without looks.
        switches: Names of the factors of a factorial study.
        combinations: Its effects: weights of arms by name.
    """

    fixed_pairs: float = math.inf
    requested_seeds: Mapping[str, int] = {}
    switches: Collection[str] = ()
    combinations: Mapping[str, Mapping[str, float]] = {}


class Pairs(NamedTuple):
    """Paired values of a contrast.

    Attributes:
        arm: Values of the arm, shape (pairs,), in the unit shown; logarithms where the part is a ratio.
        reference: Values of the reference, likewise.
        open_directions: 1 if a true difference may be larger than the measured one, -1 if it may be smaller.
        unreached: Number of pairs left out because neither value was reached within the budget, which leaves the ratio
            unknown.
        censored: Number of values not reached within the budget.
        missing: Number of requested pairs that another arm of the study has and these arms lack.
        fit: Whether the machine was quiet during every measurement.
        trials: Identities of the jobs that measured the values.
        interim_analysis: Number of the last interim analysis reached, 0 before the first; None for a fixed number of
            pairs.
        waiting: Number of measured pairs beyond the last interim analysis, which are not judged yet.
        diverged: Number of diverged trials among the pairs.
        trained: Whether trials measured the values.
        sources: By pair: identity and value of both observations. Equal sources are the same measurement.
    """

    arm: tuple[float, ...]
    reference: tuple[float, ...]
    open_directions: frozenset[int] = frozenset()
    unreached: int = 0
    censored: int = 0
    missing: int = 0
    fit: bool = True
    trials: tuple[str, ...] = ()
    interim_analysis: int | None = None
    waiting: int = 0
    diverged: int = 0
    trained: bool = False
    sources: Mapping[int, tuple[str, float, str, float]] = {}

    @property
    def differences(self) -> tuple[float, ...]:
        """Arm minus reference, whatever the claim's direction; shape (pairs,)."""
        return tuple(a - r for a, r in zip(self.arm, self.reference, strict=True))

    @property
    def testable(self) -> bool:
        """Whether the pairs enter a test."""
        return self.fit and len(self.arm) > 1 and self.interim_analysis != 0


def tabulate(observations: pd.DataFrame) -> dict[tuple[str, str], dict[str, dict[int, Observation]]]:
    """Group observations by study and metric, then by arm, then by pair.

    Args:
        observations: One row per observation, with the fields of `Observation` as columns.
    """
    table: dict[tuple[str, str], dict[str, dict[int, Observation]]] = {}
    for row in map(Observation._make, observations[list(Observation._fields)].itertuples(index=False)):
        table.setdefault((row.study, row.metric), {}).setdefault(row.arm, {})[row.pair] = row
    return table


def match_pairs(arm: str, reference: str | float, arms: Arms) -> list[Match]:
    """Match the arm's observations with those of the reference, by pair.

    Args:
        arm: Name of the arm.
        reference: Name of the other arm, or a constant that every observation is compared with.
        arms: Observations of one metric.

    Returns:
        (arm, reference) for each pair that both have, in the order of pairs.
    """
    values = arms.get(arm, {})
    if isinstance(reference, str):
        references = arms.get(reference, {})
    else:
        references = {pair: Observation("", "", pair, "", reference) for pair in values}
    return [(values[pair], references[pair]) for pair in sorted(values.keys() & references.keys())]


def job_identities(matched: list[Match]) -> tuple[str, ...]:
    """Sorted identities of all jobs that measured the pairs; a combination of arms has several per observation."""
    names = {name for pair in matched for observation in pair for name in observation.identity.split("+")}
    return tuple(sorted(names - {""}))


def collect_pairs(part: Contrast, arms: Arms, requested: float = math.inf, interim: bool = False) -> Pairs:
    """Collect the pairs of one contrast.

    Args:
        part: The contrast.
        arms: Observations of the part's metric.
        requested: Number of pairs requested of both arms. Trials under later seeds, which others need, are left out.
        interim: Whether there are looks; pairs beyond the last one reached then wait.
    """
    matched = match_pairs(part.arm, part.reference, arms)
    trained = any(observation.trained for pair in matched for observation in pair)
    limit = requested if trained or not matched else math.inf  # a timing's rounds are no seeds
    usable = [(a, r) for a, r in matched if a.pair < limit and _is_usable(a, part) and _is_usable(r, part)]
    reached = [(a, r) for a, r in usable if not (a.censored and r.censored)]
    analysed = reached[: sequential.pairs_used(len(reached))] if interim else reached
    factor = describe_metric(part.metric).factor
    scaled = [[math.log(v.value) if part.ratio else v.value * factor for v in pair] for pair in analysed]
    return Pairs(
        arm=tuple(a for a, _ in scaled),
        reference=tuple(r for _, r in scaled),
        open_directions=frozenset(1 if a.censored else -1 for a, r in analysed if a.censored or r.censored),
        unreached=len(usable) - len(reached),
        censored=sum(a.censored + r.censored for a, r in usable),
        missing=len({n for values in arms.values() for n in values if n < limit} - {a.pair for a, _ in usable}),
        fit=all(a.fit and r.fit for a, r in analysed),
        trials=job_identities(analysed),
        interim_analysis=sequential.analyses_reached(len(reached)) if interim else None,
        waiting=len(reached) - len(analysed),
        diverged=sum(a.diverged + r.diverged for a, r in usable),
        trained=trained,
        sources={a.pair: (a.identity, a.value, r.identity, r.value) for a, r in analysed},
    )


def have_same_sources(one: Pairs, other: Pairs) -> bool:
    """Whether the two rest on the same measurements, in all pairs that both have."""
    common = one.sources.keys() & other.sources.keys()
    return bool(common) and all(one.sources[pair] == other.sources[pair] for pair in common)


def subtract_differences(check: Pairs, stated: Pairs) -> tuple[float, ...]:
    """Differences of the check minus those of the stated part, of the pairs that both have; shape (common pairs,)."""
    by_pair = dict(zip(stated.sources, stated.differences, strict=True))
    check_by_pair = zip(check.sources, check.differences, strict=True)
    return tuple(difference - by_pair[pair] for pair, difference in check_by_pair if pair in by_pair)


def _is_usable(observation: Observation, part: Contrast) -> bool:
    return math.isfinite(observation.value) and (observation.value > 0 or not part.ratio)
