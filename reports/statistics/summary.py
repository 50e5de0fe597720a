"""Means, intervals and noise floors that a report shows; verdicts come from `claim_verdicts` alone."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from scipy import stats

from ablations import AGAIN, Study
from reports.statistics.paired_tests import ALPHA, standard_deviation, t_test

RANDOM_SPLITS = 10_000  # with 1,000, one study in fourteen would exceed `claims.MAX_SPLIT_SHARE` by chance
MIN_SPLIT_SEEDS = 20


class Mean(NamedTuple):
    """A mean, half the width of its 95 % t interval (NaN without any spread), and the number of values."""

    mean: float = np.nan
    half: float = np.nan
    size: int = 0

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The mean, and the bounds of its interval."""
        return self.mean, self.mean - self.half, self.mean + self.half

    def scaled(self, factor: float) -> Self:
        """The mean and its interval times a factor."""
        return self._replace(mean=self.mean * factor, half=self.half * factor)


class BaselineSplit(NamedTuple):
    """A study's baseline against itself.

    Attributes:
        study: The study's name.
        share: Share of random splits of the seeds into pairs that a t test at 5 % calls different.
        seeds: Number of seeds.
    """

    study: str
    share: float
    seeds: int


def split_baseline(study: Study, results: pd.DataFrame) -> BaselineSplit | None:
    """Split the test accuracies of the baseline's seeds, including the A/A arm's; None for too few seeds."""
    accuracies = [value for arm in (study.baseline, AGAIN) for value in select_values(results, arm, "test/accuracy")]
    share = differing_share(accuracies)
    return None if share is None else BaselineSplit(study.name, share, len(accuracies))


def differing_share(values: Sequence[float]) -> float | None:
    """Share of seeded random splits of an arm's values into pairs that a t test at 5 % calls different.

    It is the share that a claim with a margin near zero would decide wrongly. None for equal values, and for fewer than
    MIN_SPLIT_SEEDS.

    Args:
        values: Shape (seeds,).
    """
    if len(values) < MIN_SPLIT_SEEDS or standard_deviation(values) is None:
        return None
    half = len(values) // 2
    tiled = np.tile(np.asarray(values, dtype=float), (RANDOM_SPLITS, 1))
    shuffled = np.random.default_rng(0).permuted(tiled, axis=1)
    differences = shuffled[:, :half] - shuffled[:, half : 2 * half]
    return float(np.mean(stats.ttest_1samp(differences, 0, axis=1).pvalue <= ALPHA))


def estimate_mean(values: pd.Series) -> Mean:
    """Mean of the values with its 95 % t interval (Student 1908)."""
    test = t_test([float(value) for value in values])
    low, high = test.interval or (np.nan, np.nan)
    return Mean(np.nan if test.estimate is None else test.estimate, (high - low) / 2, len(values))


def select_values(results: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """Select an arm's values of a metric.

    Args:
        results: A study's rows of `reports.tables.observations.tabulate_results`.
        arm: The arm's name.
        metric: The metric's name.

    Returns:
        Finite values in the stored unit, indexed by pair in rising order.
    """
    if metric not in results:
        return pd.Series(dtype=float)
    is_of_arm = (results["arm"] == arm).to_numpy()  # a frame of the rows would take ten times as long
    pairs = pd.Index(results["pair"].to_numpy()[is_of_arm], name="pair")
    return pd.Series(results[metric].to_numpy()[is_of_arm], pairs, name=metric).dropna().sort_index()


def paired_differences(results: pd.DataFrame, arm: str, baseline: str, metric: str, ratio: bool = False) -> pd.Series:
    """Differences of an arm from the baseline, of the pairs that both have.

    Args:
        results: A study's rows of `reports.tables.observations.tabulate_results`.
        arm: The arm's name.
        baseline: The baseline's name.
        metric: The metric's name.
        ratio: Whether to subtract natural logarithms, of the values above zero: those of the ratios to the baseline.

    Returns:
        Differences in the stored unit, or of logarithms, indexed by pair.
    """
    values, reference = (select_values(results, name, metric) for name in (arm, baseline))
    if ratio:
        values, reference = (np.log(numbers[numbers > 0]) for numbers in (values, reference))
    return (values - reference).dropna()


def noise_floor(results: pd.DataFrame, baseline: str, metric: str, ratio: bool = False) -> float:
    """Bound within which the mean difference of the baseline from itself lies 19 times in 20.

    Args:
        results: A study's rows of `reports.tables.observations.tabulate_results`.
        baseline: The baseline's name.
        metric: The metric's name.
        ratio: Whether the differences are those of `paired_differences` for a ratio.

    Returns:
        The bound in the unit of `paired_differences`; NaN where the A/A arm has too few values.
    """
    return estimate_mean(paired_differences(results, AGAIN, baseline, metric, ratio)).half


def average_by(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Average the column 'value' by group: one row per group; columns are the keys, mean, half and size."""
    rows = [(*key, *estimate_mean(group)) for key, group in table.groupby(list(keys), sort=False)["value"]]
    return pd.DataFrame(rows, columns=[*keys, *Mean._fields])
