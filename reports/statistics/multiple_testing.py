"""Correction of p values for the number of tests."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given (Holm 1979).

    Rejecting where the adjusted p is at most alpha keeps the chance of any false rejection below alpha. The result
    equals `statsmodels.stats.multitest.multipletests`, which runs the garbage collector at each call: a tenth of a
    second, too slow for the calibration's many thousands of calls.

    Args:
        p_values: Shape (tests,).
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return [float(p) for p in np.minimum(stepped, 1)[np.argsort(order)]]
