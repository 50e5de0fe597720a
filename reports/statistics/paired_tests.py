"""Tests of a mean paired difference: Student's t test, the sign-flip test, two one-sided tests.

`differences` has shape (pairs,): arm minus reference. A result is None if the sample does not define it: an interval of
one pair or of equal differences, any result of values that are not finite.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from reports.statistics.effect_size import standard_deviation

ALPHA = 0.05
MAX_EXACT_PAIRS = 15  # largest number of pairs for which the sign-flip test tries every pattern of signs
DRAWN_PATTERNS = 10_000  # number of patterns drawn for more pairs
Interval = tuple[float, float]


class PairedTest(NamedTuple):
    """Result of a test of the mean difference.

    Attributes:
        mean: Mean difference.
        interval: 95 % confidence interval of the mean.
        ninety: 90 % confidence interval of the mean.
        p_value: Two-sided, against a mean of zero.
    """

    mean: float | None = None
    interval: Interval | None = None
    ninety: Interval | None = None
    p_value: float | None = None


def t_test(differences: Sequence[float]) -> PairedTest:
    """Mean, t intervals and two-sided paired t test (Student 1908).

    Equal differences, zeros among them, leave no spread to judge by: the result is the mean alone.

    Args:
        differences: Shape (pairs,).
    """
    if not len(differences) or not np.isfinite(differences).all():
        return PairedTest()
    mean = float(np.mean(differences))
    if standard_deviation(differences) is None:
        return PairedTest(mean)
    test = stats.ttest_1samp(differences, 0)
    intervals = (test.confidence_interval(1 - alpha) for alpha in (ALPHA, 2 * ALPHA))
    interval, ninety = ((float(low), float(high)) for low, high in intervals)
    return PairedTest(mean, interval, ninety, float(test.pvalue))


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Two-sided p of the mean under random signs of the differences (Fisher 1935, section 21).

    Exact up to MAX_EXACT_PAIRS pairs, where p is at least 2 / 2^pairs; beyond, from DRAWN_PATTERNS seeded patterns and
    the observed one (Phipson and Smyth 2010). It equals the p of `scipy.stats.permutation_test`, which takes
    far longer.

    Args:
        differences: Shape (pairs,).
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return None
    values, flips = np.asarray(differences, dtype=float), _sign_flips(len(differences))
    flipped_sums = np.einsum("ij,j->i", flips, values)  # matmul would first convert every flip to a float
    tolerance = 1e-12 * np.abs(values).sum()  # sums that differ by less are equal but for rounding
    extreme = min(np.sum(flipped_sums <= tolerance), np.sum(flipped_sums >= -tolerance))
    observed = len(values) > MAX_EXACT_PAIRS
    return min(1.0, float(2 * (extreme + observed) / (len(flips) + observed)))


@lru_cache(maxsize=8)
def _sign_flips(pairs: int) -> np.ndarray:
    """Patterns of differences that change their sign: bool, shape (patterns, pairs)."""
    if pairs <= MAX_EXACT_PAIRS:
        return (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1).astype(bool)
    random = np.random.RandomState(0)  # scipy's generator, in the order of its draws
    return np.array([np.diff(random.random((pairs, 2)))[:, 0] < 0 for _ in range(DRAWN_PATTERNS)])


def is_equivalent(ninety: Interval, margin: float) -> bool:
    """Whether two one-sided t tests at 5 % both reject: the 90 % interval lies within the margins (Schuirmann 1987).

    Args:
        ninety: 90 % interval of the mean difference.
        margin: Largest difference that counts as none, above 0, on the scale of the differences.
    """
    return -margin <= ninety[0] and ninety[1] <= margin
