"""Spread and size of paired differences.

`differences` has shape (pairs,): arm minus reference. A statistic is None if the sample does not define it: a deviation
of one pair or of equal differences, a correlation of constants, any statistic of values that are not finite.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats


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
