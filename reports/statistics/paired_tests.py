"""Paired differences: their spread and size, and tests of them.

`differences` has shape (pairs,): arm minus reference. A result is None if the sample does not define it: an interval or
a deviation of one pair or of equal differences, a correlation of constants, any result of values that are not finite.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

ALPHA = 0.05
MAX_EXACT_PAIRS = 15  # largest number of pairs for which the sign-flip test tries every pattern of signs
DRAWN_PATTERNS = 10_000  # number of patterns drawn for more pairs
Interval = tuple[float, float]
Method = Literal["t test", "sequential t test", "signed rank test", "sign test", "analysis of variance"]


class PairedTest(NamedTuple):
    """Result of a test of paired differences.

    Attributes:
        estimate: Mean difference; of the signed rank test the median.
        interval: 95 % confidence interval of the estimate.
        ninety: 90 % confidence interval of the estimate.
        p_value: Two-sided, against a difference of zero.
        method: The test.
        deviation: Standard deviation of the differences where it is not theirs alone but pooled, else None.
    """

    estimate: float | None = None
    interval: Interval | None = None
    ninety: Interval | None = None
    p_value: float | None = None
    method: Method = "t test"
    deviation: float | None = None


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


def signed_rank_test(differences: Sequence[float]) -> PairedTest:
    """Median, its order-statistic intervals and the signed rank test (Wilcoxon 1945), for heavy-tailed differences.

    The intervals lie between two of the sorted differences (Conover 1999, section 3.2), whatever their distribution.
    Fewer than six pairs have no 95 % interval, fewer than five no 90 % interval: these are None. The Hodges-Lehmann
    estimate would have narrower intervals, but they hold for symmetric differences only.

    Args:
        differences: Shape (pairs,), finite and not all equal.
    """
    median = stats.quantile_test(differences, q=0, p=0.5)
    limits = [median.confidence_interval(1 - alpha) for alpha in (ALPHA, 2 * ALPHA)]
    interval, ninety = (None if np.isnan([low, high]).any() else (float(low), float(high)) for low, high in limits)
    p_value = float(stats.wilcoxon(differences).pvalue)
    return PairedTest(float(np.median(differences)), interval, ninety, p_value, "signed rank test")


def sign_test(differences: Sequence[float]) -> PairedTest:
    """Exact two-sided sign test of differences that are all equal (Conover 1999, section 3.4): p is 2 / 2^pairs.

    Differences of zero have a p of 1.

    Args:
        differences: Shape (pairs,), all equal.
    """
    mean = float(np.mean(differences))
    return PairedTest(mean, p_value=2 / 2 ** len(differences) if mean else 1.0, method="sign test")


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


def standard_deviation(differences: Sequence[float]) -> float | None:
    """Sample standard deviation, with n - 1 in the denominator; None for one pair or equal differences.

    Args:
        differences: Shape (pairs,).
    """
    if len(differences) < 2 or not np.isfinite(differences).all() or _is_constant(differences):
        return None
    return float(np.std(differences, ddof=1))


def cohens_dz(differences: Sequence[float]) -> float | None:
    """Mean difference over the standard deviation of the differences (Lakens 2013, equation 6).

    Args:
        differences: Shape (pairs,).
    """
    deviation = standard_deviation(differences)
    return None if deviation is None else float(np.mean(differences)) / deviation


def improvement_share(differences: Sequence[float]) -> float | None:
    """Share of pairs with a positive difference; ties count one half.

    Agarwal et al. 2021, section 4.3, compare every run of one arm with every run of the other. Here a run is compared
    only with the run of the same seed.

    Args:
        differences: Shape (pairs,).
    """
    if not len(differences) or not np.isfinite(differences).all():
        return None
    return float(np.mean(np.sign(differences)) / 2 + 0.5)


def pair_correlation(arm: Sequence[float], reference: Sequence[float]) -> float | None:
    """Pearson's r across the pairs, which measures the gain of pairing; None for two pairs, which give 1 or -1.

    Args:
        arm: Values of the arm, shape (pairs,).
        reference: Values of the reference, shape (pairs,).
    """
    if len(arm) < 3 or not np.isfinite([arm, reference]).all() or _is_constant(arm) or _is_constant(reference):
        return None
    return float(stats.pearsonr(arm, reference).statistic)


def _is_constant(values: Sequence[float]) -> bool:
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())
