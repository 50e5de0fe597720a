"""Statistics over a handful of pairs: intervals, tests, effects and power.

`differences` has shape (pairs,): arm minus reference. What a sample cannot give (an interval of one pair or of equal
differences, a correlation of constants, anything of values that are not finite) is None.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gammainc, ndtr
from statsmodels.stats.power import TTestPower

ALPHA = 0.05
POWER = 0.8
MOST_PAIRS = 1_000
ALL_SIGNS = 15  # up to so many pairs every pattern of signs is tried
SPLITS = 10_000  # of 1,000, one study in fourteen would seem to differ from itself by chance
SPLITTABLE = 20  # values, at least
WIDEST = 100.0  # deviations: two pairs already detect a difference of twelve
PATTERNS = 10_000  # beyond, so many are drawn
Bounds = tuple[float, float]


class Summary(NamedTuple):
    """interval: 95 %, ninety: 90 %. p_value: two-sided, against a mean of zero."""

    mean: float | None = None
    interval: Bounds | None = None
    ninety: Bounds | None = None
    p_value: float | None = None


def summary(differences: Sequence[float]) -> Summary:
    """Mean, t intervals and the paired t test (Student 1908).

    Equal differences, zeros among them, leave no spread to judge by: there is a mean and nothing else.
    """
    if not len(differences) or not np.isfinite(differences).all():
        return Summary()
    mean = float(np.mean(differences))
    if len(differences) == 1 or _constant(differences):
        return Summary(mean)
    test = stats.ttest_1samp(differences, 0)
    interval, ninety = (test.confidence_interval(1 - alpha) for alpha in (ALPHA, 2 * ALPHA))
    return Summary(mean, _bounds(interval), _bounds(ninety), float(test.pvalue))


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Two-sided p of the mean when every difference could as well have had the other sign (Fisher 1935, section 21).

    Exact up to ALL_SIGNS pairs, where it cannot fall below 2 / 2^pairs; beyond, from PATTERNS seeded patterns and the
    observed one (Phipson and Smyth 2010). It is the p of scipy.stats.permutation_test, which takes far longer.
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return None
    values, flips = np.asarray(differences, dtype=float), _flips(len(differences))
    flipped = np.einsum("ij,j->i", flips, values)  # matmul would first make a float of every flip
    tie = 1e-12 * np.abs(values).sum()  # sums that differ by less are equal but for rounding
    extreme, observed = min(np.sum(flipped <= tie), np.sum(flipped >= -tie)), len(values) > ALL_SIGNS
    return min(1.0, float(2 * (extreme + observed) / (len(flips) + observed)))


@lru_cache(maxsize=8)
def _flips(pairs: int) -> np.ndarray:
    """Which differences change their sign, of shape (patterns, pairs)."""
    if pairs <= ALL_SIGNS:
        return (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1).astype(bool)
    random = np.random.RandomState(0)  # scipy's generator and the order of its draws
    return np.array([np.diff(random.random((pairs, 2)))[:, 0] < 0 for _ in range(PATTERNS)])


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p, in the order given (Holm 1979): the chance of any false claim among them stays below alpha.

    As statsmodels has it, which takes a tenth of a second to collect garbage each time.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)
    rising = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return [float(p) for p in np.minimum(rising, 1)[np.argsort(order)]]


def equivalent(ninety: Bounds, margin: float) -> bool:
    """Two one-sided t tests at 5 % both reject: the 90 % interval lies within the margins (Schuirmann 1987)."""
    return -margin <= ninety[0] and ninety[1] <= margin


def split(values: Sequence[float]) -> float | None:
    """One arm against itself: of SPLITS seeded random splits of its values into pairs, the share that a t test at 5 %
    calls different, as any claim with the smallest of margins would. None of fewer than SPLITTABLE values.
    """
    if len(values) < SPLITTABLE or not np.isfinite(values).all() or _constant(values):
        return None
    half = len(values) // 2
    mixed = np.random.default_rng(0).permuted(np.tile(np.asarray(values, dtype=float), (SPLITS, 1)), axis=1)
    differences = mixed[:, :half] - mixed[:, half : 2 * half]
    return float(np.mean(stats.ttest_1samp(differences, 0, axis=1).pvalue <= ALPHA))


def deviation(differences: Sequence[float]) -> float | None:
    """The sample standard deviation; None where there is no spread."""
    if len(differences) < 2 or not np.isfinite(differences).all() or _constant(differences):
        return None
    return float(np.std(differences, ddof=1))


def effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d_z: the mean difference over the differences' standard deviation (Lakens 2013, equation 6)."""
    spread = deviation(differences)
    return None if spread is None else float(np.mean(differences)) / spread


def improvement(differences: Sequence[float]) -> float | None:
    """Share of pairs with a positive difference, ties counted half.

    Agarwal et al. 2021, section 4.3, compare every run of one arm with every run of the other. Ours share their
    seed, so that each is compared with its partner alone.
    """
    if not len(differences) or not np.isfinite(differences).all():
        return None
    return float(np.mean(np.sign(differences)) / 2 + 0.5)


def correlation(arm: Sequence[float], reference: Sequence[float]) -> float | None:
    """Pearson's r across the pairs, both of shape (pairs,): what pairing by seed gains. Two points always give 1."""
    if len(arm) < 3 or not np.isfinite([arm, reference]).all() or _constant(arm) or _constant(reference):
        return None
    return float(stats.pearsonr(arm, reference).statistic)


def pairs_to_detect(deviation: float, margin: float) -> int | None:
    """Fewest pairs with which a t test at 5 % finds a true difference of `margin` four times in five.

    deviation: of the differences, above 0. Power by the noncentral t (Cohen 1988, section 2.3.5). No correction for
    many claims. None: above MOST_PAIRS.
    """
    return _fewest(lambda pairs: TTestPower().power(margin / deviation, pairs, ALPHA))


def pairs_to_equate(deviation: float, margin: float) -> int | None:
    """Fewest pairs with which arms that do not differ are shown equivalent four times in five. None: too many."""
    return _fewest(lambda pairs: equivalence_power(deviation, margin, pairs))


def equivalence_power(deviation: float, margin: float, pairs: int) -> float:
    """Chance that two one-sided tests at 5 % show equivalence when the true difference is zero (Phillips 1990).

    Given the sample's deviation the mean must lie within what the interval leaves of the margin; the average is over
    1,000 equally likely sample deviations.
    """
    freedom = pairs - 1
    sampled = np.sqrt(stats.chi2.ppf((np.arange(1000) + 0.5) / 1000, freedom) / freedom)
    room = margin * np.sqrt(pairs) / deviation - stats.t.ppf(1 - ALPHA, freedom) * sampled
    return float(np.mean(2 * stats.norm.cdf(np.maximum(room, 0)) - 1))


def detectable(deviation: float, pairs: int) -> float | None:
    """The smallest true difference that so many pairs, two or more, tell from zero four times in five (Cohen 1988)."""
    if pairs < 2:
        return None

    def lacking(effect: float) -> float:  # scipy's noncentral t turns NaN in places, and its solver stops there
        return support_power(1, pairs, 0, effect) + support_power(1, pairs, 0, -effect) - POWER

    return deviation * float(brentq(lacking, 0, WIDEST, xtol=1e-12))


def supportable(deviation: float, pairs: int, margin: float) -> float | None:
    """The smallest true difference for which p falls below 5 % and the mean reaches the margin, four times in five.

    It is above the margin: of a difference that is exactly as large, half of all means are smaller.
    """
    if pairs < 2:
        return None
    widest = margin + WIDEST * deviation
    return float(brentq(lambda true: support_power(deviation, pairs, margin, true) - POWER, 0, widest, xtol=1e-12))


def support_power(deviation: float, pairs: int, margin: float, true: float) -> float:
    """Chance that the two-sided t test rejects and the mean reaches the margin, at this true difference.

    While the sample's deviation is small the margin is the higher hurdle, and beyond `turn` the test is: a normal tail
    for the one, an integral over the deviation, in units of the true one, for the other.
    """
    half, error = (pairs - 1) / 2, deviation / math.sqrt(pairs)
    quantile = float(stats.t.isf(ALPHA / 2, pairs - 1))
    turn = margin / (quantile * error)
    log_scale = math.log(2) + half * math.log(half) - math.lgamma(half)

    def tested(s: float) -> float:
        density = math.exp(log_scale + (2 * half - 1) * math.log(s) - half * s * s)
        return density * float(ndtr(true / error - quantile * s))

    beyond = quad(tested, turn, max(turn, 1.0) + 10, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
    return float(gammainc(half, half * turn**2) * ndtr((true - margin) / error) + beyond)


def _fewest(power: Callable[[int], float]) -> int | None:
    # scipy's noncentral t turns NaN in places where the power is 1, hence 'not below' rather than 'at least'
    if power(MOST_PAIRS) < POWER:
        return None
    pairs = range(2, MOST_PAIRS + 1)
    return pairs[bisect_left(pairs, True, key=lambda n: not power(n) < POWER)]


def _constant(values: Sequence[float]) -> bool:
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _bounds(interval: Sequence[float]) -> Bounds:
    return float(interval[0]), float(interval[1])
