"""Means, intervals and noise floors that a report shows; verdicts come from `judge` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablations import AGAIN, Study
from reports.statistics import paired_tests


class Mean(NamedTuple):
    """A mean, half the width of its 95 % t interval (NaN without any spread), and the number of values."""

    mean: float = np.nan
    half: float = np.nan
    size: int = 0

    def scaled(self, factor: float) -> Mean:
        """The mean and its interval times a factor."""
        return Mean(self.mean * factor, self.half * factor, self.size)


class BaselineSplit(NamedTuple):
    """A study's baseline against itself.

    Attributes:
        study: The study's name.
        share: Of random splits of the seeds into pairs, the share that a t test at 5 % calls different.
        seeds: Number of seeds.
    """

    study: str
    share: float
    seeds: int


def split_baseline(study: Study, results: pd.DataFrame) -> BaselineSplit | None:
    """Split the test accuracies of the baseline's seeds, the A/A arm's among them; None where they are too few."""
    accuracies = [value for arm in (study.baseline, AGAIN) for value in select_values(results, arm, "test/accuracy")]
    share = paired_tests.split(accuracies)
    return None if share is None else BaselineSplit(study.name, share, len(accuracies))


def estimate_mean(values: pd.Series) -> Mean:
    """Mean of the values with its 95 % t interval (Student 1908)."""
    test = paired_tests.summary([float(value) for value in values])
    low, high = test.interval or (np.nan, np.nan)
    return Mean(np.nan if test.mean is None else test.mean, (high - low) / 2, len(values))


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
    rows = results.loc[results["arm"] == arm, ["pair", metric]]
    return rows.set_index("pair")[metric].dropna().sort_index()


def paired_differences(results: pd.DataFrame, arm: str, baseline: str, metric: str) -> pd.Series:
    """Differences of an arm from the baseline, of the pairs that both have.

    Args:
        results: A study's rows of `reports.tables.observations.tabulate_results`.
        arm: The arm's name.
        baseline: The baseline's name.
        metric: The metric's name.

    Returns:
        Differences in the stored unit, indexed by pair.
    """
    return (select_values(results, arm, metric) - select_values(results, baseline, metric)).dropna()


def noise_floor(results: pd.DataFrame, baseline: str, metric: str) -> float:
    """Bound within which the mean difference of the baseline from itself lies 19 times in 20.

    Args:
        results: A study's rows of `reports.tables.observations.tabulate_results`.
        baseline: The baseline's name.
        metric: The metric's name.

    Returns:
        The bound in the stored unit; NaN where the A/A arm has too few values.
    """
    return estimate_mean(paired_differences(results, AGAIN, baseline, metric)).half


def average_by(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Average the column 'value' by group: a row a group, columns the keys, mean, half and size."""
    rows = [(*key, *estimate_mean(group)) for key, group in table.groupby(list(keys), sort=False)["value"]]
    return pd.DataFrame(rows, columns=[*keys, *Mean._fields])
