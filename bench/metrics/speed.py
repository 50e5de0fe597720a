"""Speed of training: time of a step, and steps until the network has learnt."""

import itertools
import math
from collections.abc import Sequence

import numpy as np


def step_speed(step_ms: Sequence[float], batch: int) -> dict[str, float]:
    """Return images per second and percentiles of the time of a step, from each step's milliseconds."""
    return {
        "speed/images_per_second": batch * 1e3 * len(step_ms) / math.fsum(step_ms),
        "speed/step_ms_p50": float(np.percentile(step_ms, 50)),
        "speed/step_ms_p95": float(np.percentile(step_ms, 95)),
    }


def steps_to_error(curve: Sequence[tuple[int, float]], error: float) -> float | None:
    """Return the steps until training error falls to `error`, interpolated between (step, accuracy) evaluations.

    None if it never does.
    """
    accuracy = 1 - error
    if curve[0][1] >= accuracy:
        return float(curve[0][0])
    for (step, low), (next_step, high) in itertools.pairwise(curve):
        if high >= accuracy:
            return step + (next_step - step) * ((accuracy - low) / (high - low))
    return None
