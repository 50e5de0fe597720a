"""Power of the paired t test and of equivalence: pairs needed, and differences that a number of pairs can show.

`deviation` is the standard deviation of the paired differences, above 0, and `margin` is on their scale. Power is
`POWER`, at 5 % and without correction for many claims.
"""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gammainc, ndtr
from statsmodels.stats.power import TTestPower

from reports.statistics.paired_tests import ALPHA

POWER = 0.8
MAX_PAIRS = 1_000
MAX_EFFECT = 100.0  # in deviations; two pairs already detect a difference of twelve deviations


def pairs_to_detect(deviation: float, margin: float) -> int | None:
    """Fewest pairs with which a t test finds a true difference of `margin`; None above MAX_PAIRS.

    Power by the noncentral t distribution (Cohen 1988, section 2.3.5).
    """
    return _fewest_pairs(lambda pairs: TTestPower().power(margin / deviation, pairs, ALPHA))


def pairs_to_equate(deviation: float, margin: float) -> int | None:
    """Fewest pairs with which arms that do not differ are shown to be equivalent; None above MAX_PAIRS."""
    return _fewest_pairs(lambda pairs: equivalence_power(deviation, margin, pairs))


def equivalence_power(deviation: float, margin: float, pairs: int) -> float:
    """Probability that two one-sided tests show equivalence when the true difference is zero (Phillips 1990).

    Given the sample's deviation, the mean must lie within the part of the margin that the interval leaves; the average
    is over 1,000 equally likely sample deviations.

    Args:
        deviation: Standard deviation of the differences.
        margin: Largest difference that counts as none.
        pairs: Number of pairs, at least 2.

    Returns:
        The power, in 0..1.
    """
    freedom = pairs - 1
    sampled = np.sqrt(stats.chi2.ppf((np.arange(1000) + 0.5) / 1000, freedom) / freedom)
    room = margin * np.sqrt(pairs) / deviation - stats.t.ppf(1 - ALPHA, freedom) * sampled
    return float(np.mean(2 * stats.norm.cdf(np.maximum(room, 0)) - 1))


def detectable_difference(deviation: float, pairs: int) -> float | None:
    """Smallest true difference that a two-sided t test detects (Cohen 1988, section 2.3.5); None below two pairs."""
    if pairs < 2:
        return None

    def lacking_power(effect: float) -> float:  # scipy's noncentral t has gaps of NaN, at which its solver stops
        return support_power(1, pairs, 0, effect) + support_power(1, pairs, 0, -effect) - POWER

    return deviation * float(brentq(lacking_power, 0, MAX_EFFECT, xtol=1e-12))


def supportable_difference(deviation: float, pairs: int, margin: float) -> float | None:
    """Smallest true difference for which the t test rejects and the mean reaches the margin; None below two pairs.

    The result is above the margin: if the true difference equals the margin, half of all means lie below it.

    Args:
        deviation: Standard deviation of the differences.
        pairs: Number of pairs.
        margin: Difference that the mean has to reach.

    Returns:
        The difference, on the scale of the margin.
    """
    if pairs < 2:
        return None
    upper = margin + MAX_EFFECT * deviation
    return float(brentq(lambda true: support_power(deviation, pairs, margin, true) - POWER, 0, upper, xtol=1e-12))


def support_power(deviation: float, pairs: int, margin: float, difference: float) -> float:
    """Probability that the two-sided t test rejects and the mean reaches the margin.

    Below a sample deviation of `turn` the margin is the stricter condition, and the probability of reaching it is a
    normal tail. Above `turn` the test is stricter, and its probability is an integral over the sample deviation, in
    units of the true one. Without a margin the result is the upper tail of the noncentral t distribution (Cohen 1988,
    section 2.3.5).

    Args:
        deviation: Standard deviation of the differences.
        pairs: Number of pairs, at least 2.
        margin: Difference that the mean has to reach.
        difference: True difference.

    Returns:
        The power, in 0..1.
    """
    half, error = (pairs - 1) / 2, deviation / math.sqrt(pairs)
    quantile = float(stats.t.isf(ALPHA / 2, pairs - 1))
    turn = margin / (quantile * error)
    log_scale = math.log(2) + half * math.log(half) - math.lgamma(half)

    def rejection_density(s: float) -> float:
        density = math.exp(log_scale + (2 * half - 1) * math.log(s) - half * s * s)
        return density * float(ndtr(difference / error - quantile * s))

    beyond = quad(rejection_density, turn, max(turn, 1.0) + 10, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
    return float(gammainc(half, half * turn**2) * ndtr((difference - margin) / error) + beyond)


def _fewest_pairs(power: Callable[[int], float]) -> int | None:
    # scipy's noncentral t is NaN in places where the power is 1, hence 'not below' instead of 'at least'
    if power(MAX_PAIRS) < POWER:
        return None
    pairs = range(2, MAX_PAIRS + 1)
    return pairs[bisect_left(pairs, True, key=lambda n: not power(n) < POWER)]
