"""Group-sequential t tests: interim analyses at 3, 5, 8 and 12 pairs that share one error rate.

The rate is spent in proportion to the square of the number of pairs (Lan and DeMets 1983; Kim and DeMets 1987, section
2, power 2): 6 % of it at the first analysis, 56 % at the last. Boundaries are those of the joint normal distribution,
by recursive integration (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19). Their significance
levels carry them to t (Jennison and Turnbull 2000, section 4.4), which holds approximately: t tests of so few pairs
cross them 9 % too often, hence the rate is divided by T_EXCESS. docs/statistics.md has the simulations.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import t

from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import paired_tests
from reports.statistics.paired_tests import ALPHA, Interval, PairedTest, standard_deviation

NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)
SPENDING_POWER = 2
T_EXCESS = 1.1  # bound on the error rate of t tests at these levels, as a multiple of the normal one
MAX_Z = 8.0  # standard deviations, beyond which the density is negligible
MIN_P = 1e-12  # smaller p values count as this one


def analyses_reached(pairs: int) -> int:
    """Number of interim analyses that this number of pairs allows."""
    return bisect_right(INTERIM_ANALYSES, pairs)


def pairs_used(pairs: int) -> int:
    """Number of pairs in the last interim analysis reached; before the first one all pairs, which are not tested."""
    return INTERIM_ANALYSES[analyses_reached(pairs) - 1] if analyses_reached(pairs) else pairs


def t_test(differences: Sequence[float]) -> PairedTest:
    """Sequential counterpart of `paired_tests.t_test`, at the last interim analysis reached.

    The p value is the smallest overall alpha at which this analysis or an earlier one crosses its boundary (Liu and
    Anderson 2008), which Holm's correction may take (Maurer and Bretz 2013). The intervals are repeated confidence
    intervals (Jennison and Turnbull 1989), which hold at all analyses together. Before the first analysis the result is
    the mean alone.

    Args:
        differences: Shape (pairs,), in the order of their seeds.
    """
    tests = [paired_tests.t_test(differences[:n]) for n in INTERIM_ANALYSES[: analyses_reached(len(differences))]]
    if not tests or tests[-1].interval is None:
        return PairedTest((tests[-1] if tests else paired_tests.t_test(differences)).estimate)
    p_values = [overall_p(test.p_value, index) for index, test in enumerate(tests) if test.p_value is not None]
    analysed = differences[: INTERIM_ANALYSES[len(tests) - 1]]
    interval, ninety = (repeated_interval(analysed, alpha) for alpha in (ALPHA, 2 * ALPHA))
    return PairedTest(tests[-1].estimate, interval, ninety, min(p_values), "sequential t test")


def repeated_interval(differences: Sequence[float], alpha: float) -> Interval:
    """Repeated confidence interval of the mean (Jennison and Turnbull 1989).

    Args:
        differences: Shape (pairs,); exactly the pairs of one interim analysis.
        alpha: Overall two-sided error rate, in 0..1.
    """
    pairs, deviation = len(differences), standard_deviation(differences)
    assert deviation is not None
    level = nominal_levels(alpha)[INTERIM_ANALYSES.index(pairs)]
    half = float(t.isf(level / 2, pairs - 1)) * deviation / math.sqrt(pairs)
    return float(np.mean(differences)) - half, float(np.mean(differences)) + half


@lru_cache(maxsize=1024)
def overall_p(nominal_p: float, analysis: int) -> float:
    """Smallest overall alpha at which a two-sided nominal p crosses the boundary (Liu and Anderson 2008).

    Args:
        nominal_p: Two-sided p of the t test at this analysis.
        analysis: Index of the interim analysis, from 0.
    """
    log_p = math.log(max(nominal_p, MIN_P))

    def distance(log_alpha: float) -> float:
        return math.log(nominal_levels(math.exp(log_alpha), analysis + 1)[analysis]) - log_p

    return 1.0 if distance(0.0) <= 0 else math.exp(brentq(distance, log_p - 1, 0.0, xtol=1e-11))


def nominal_levels(alpha: float, analyses: int = len(INTERIM_ANALYSES)) -> tuple[float, ...]:
    """Two-sided nominal significance levels of the first analyses, at an overall alpha; shape (analyses,)."""
    return tuple(float(2 * ndtr(-bound)) for bound in boundaries(alpha, analyses))


@lru_cache(maxsize=256)
def boundaries(alpha: float, analyses: int = len(INTERIM_ANALYSES)) -> tuple[float, ...]:
    """Boundaries of the absolute z at the first analyses, at an overall two-sided alpha; shape (analyses,).

    Recursive integration (Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19). The state is the
    sum over pairs of a standard normal: `mass` lies at `sums`, where no boundary has been crossed yet.
    """
    bounds: list[float] = []
    sums, mass, previous = np.zeros(1), np.ones(1), 0
    for pairs in INTERIM_ANALYSES[:analyses]:
        step, root = math.sqrt(pairs - previous), math.sqrt(pairs)
        spent_before = alpha_spent(alpha, previous / INTERIM_ANALYSES[-1]) if previous else 0.0
        spent = alpha_spent(alpha, pairs / INTERIM_ANALYSES[-1]) - spent_before
        bound = _sum_bound(sums, mass, step, spent, 5 * MAX_Z * root) if previous else -step * float(ndtri(spent / 2))
        bounds.append(bound / root)
        width = min(bound, MAX_Z * root)
        next_sums = width * NODES
        density = np.exp(-(((next_sums[:, None] - sums) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        sums, mass, previous = next_sums, width * WEIGHTS * (density @ mass), pairs
    return tuple(bounds)


def alpha_spent(alpha: float, share: float) -> float:
    """Part of alpha that may be spent at this share of the pairs, both sides together (Kim and DeMets 1987)."""
    return alpha / T_EXCESS * share**SPENDING_POWER


def _sum_bound(sums: np.ndarray, mass: np.ndarray, step: float, spent: float, upper: float) -> float:
    """Bound that the next sum's absolute value exceeds with probability `spent`; 0 if all that is left is spent."""

    def excess(bound: float) -> float:
        return float(mass @ (ndtr((-bound - sums) / step) + ndtr((sums - bound) / step))) - spent

    return 0.0 if excess(0.0) <= 0 else float(brentq(excess, 0.0, upper))
