"""Group-sequential t tests: looks at 5, 10 and 15 pairs that share one error rate.

The rate is spent by the function of O'Brien-Fleming type (Lan and DeMets 1983, section 2; O'Brien and Fleming 1979):
hardly any at the first look, most at the last. Boundaries are those of the joint normal distribution, by recursive
integration (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19), and are carried to t by their
significance levels (Jennison and Turnbull 2000, section 4.4), which holds approximately: docs/statistics.md says how
well.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import t

from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics.paired_tests import ALPHA, Bounds, Summary, deviation
from reports.statistics.paired_tests import summary as fixed

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
FAR = 8.0  # standard deviations, beyond which nothing is left to integrate
LEAST = 1e-12  # a p below it is as good as this


def reached(pairs: int) -> int:
    """How many looks so many pairs allow."""
    return bisect_right(INTERIM_ANALYSES, pairs)


def used(pairs: int) -> int:
    """How many of the pairs the last look that was reached takes; before the first, all of them: nothing is tested."""
    return INTERIM_ANALYSES[reached(pairs) - 1] if reached(pairs) else pairs


def summary(differences: Sequence[float]) -> Summary:
    """What `stats.summary` gives for a fixed number of pairs, valid at the last look that the pairs reach.

    p_value: the smallest overall alpha at which this look or an earlier one crosses its boundary (Liu and Anderson
    2008), which Holm's correction may take (Maurer and Bretz 2013). Intervals: repeated confidence intervals (Jennison
    and Turnbull 1989), which hold at all looks together. Before the first look there is a mean and nothing else.
    """
    looks = [fixed(differences[:pairs]) for pairs in INTERIM_ANALYSES[: reached(len(differences))]]
    if not looks or looks[-1].interval is None:
        return Summary(looks[-1].mean if looks else fixed(differences).mean)
    p_values = [overall(one.p_value, look) for look, one in enumerate(looks) if one.p_value is not None]
    now = differences[: INTERIM_ANALYSES[len(looks) - 1]]
    interval, ninety = (repeated(now, alpha) for alpha in (ALPHA, 2 * ALPHA))
    return Summary(looks[-1].mean, interval, ninety, min(p_values))


def repeated(differences: Sequence[float], alpha: float) -> Bounds:
    """The repeated confidence interval at the look that has exactly these pairs."""
    pairs, spread = len(differences), deviation(differences)
    assert spread is not None
    level = levels(alpha)[INTERIM_ANALYSES.index(pairs)]
    half = float(t.isf(level / 2, pairs - 1)) * spread / math.sqrt(pairs)
    return float(np.mean(differences)) - half, float(np.mean(differences)) + half


@lru_cache(maxsize=1024)
def overall(nominal: float, look: int) -> float:
    """The smallest overall alpha at which the look's boundary lies at this two-sided nominal p."""
    wanted = math.log(max(nominal, LEAST))

    def apart(logarithm: float) -> float:
        return math.log(levels(math.exp(logarithm), look + 1)[look]) - wanted

    return 1.0 if apart(0.0) <= 0 else math.exp(brentq(apart, wanted - 1, 0.0, xtol=1e-11))


def levels(alpha: float, looks: int = len(INTERIM_ANALYSES)) -> tuple[float, ...]:
    """The first looks' two-sided nominal levels, at an overall alpha."""
    return tuple(float(2 * ndtr(-bound)) for bound in boundaries(alpha, looks))


@lru_cache(maxsize=256)
def boundaries(alpha: float, looks: int = len(INTERIM_ANALYSES)) -> tuple[float, ...]:
    """The first looks' boundaries for the absolute z, at an overall two-sided alpha.

    The state is the sum over pairs of a standard normal: `mass` lies at `sums`, where no boundary was crossed yet.
    """
    found: list[float] = []
    sums, mass, before = np.zeros(1), np.ones(1), 0
    for pairs in INTERIM_ANALYSES[:looks]:
        step = math.sqrt(pairs - before)
        spent_before = spending(alpha, before / INTERIM_ANALYSES[-1]) if before else 0.0
        spent = spending(alpha, pairs / INTERIM_ANALYSES[-1]) - spent_before
        bound = (
            _bound(sums, mass, step, spent, 5 * FAR * math.sqrt(pairs)) if before else -step * float(ndtri(spent / 2))
        )
        found.append(bound / math.sqrt(pairs))
        width = min(bound, FAR * math.sqrt(pairs))
        to = width * NODES
        density = np.exp(-(((to[:, None] - sums) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        sums, mass, before = to, width * WEIGHTS * (density @ mass), pairs
    return tuple(found)


def spending(alpha: float, share: float) -> float:
    """How much of alpha may be spent once this share of the pairs is there, half of it on each side."""
    return float(4 * ndtr(ndtri(alpha / 4) / math.sqrt(share)))


def _bound(sums: np.ndarray, mass: np.ndarray, step: float, spent: float, far: float) -> float:
    """Where the chance that the next sum's absolute value lies beyond is what may be spent."""
    return float(brentq(lambda b: mass @ (ndtr((-b - sums) / step) + ndtr((sums - b) / step)) - spent, 0.0, far))
