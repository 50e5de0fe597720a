import math

import numpy as np
from scipy import stats as scipy_stats

from reports.statistics import summary


def test_random_splits_of_one_arm_rarely_differ():
    values = list(np.random.default_rng(4).normal(70, 0.7, 21))
    share = summary.differing_share(values)
    assert share == summary.differing_share(values) <= 0.06
    mixed = np.random.default_rng(0).permuted(np.tile(values, (10_000, 1)), axis=1)
    differ = scipy_stats.ttest_rel(mixed[:, :10], mixed[:, 10:20], axis=1).pvalue <= 0.05
    assert share == np.mean(differ)


def test_fewer_than_twenty_values_and_equal_ones_are_not_split():
    assert summary.differing_share([0.1 * n for n in range(19)]) is None
    assert summary.differing_share([0.7] * 20) is None and summary.differing_share([math.nan] * 20) is None
