import math

import pytest

from reports.statistics import effect_size


def test_effect_size_and_improvement_by_hand():
    assert effect_size.cohens_dz([1, 2, 3]) == 2
    assert effect_size.improvement_share([1, 0, -1, 2]) == 0.625


def test_correlation_is_pearsons():
    assert effect_size.pair_correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert effect_size.pair_correlation([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)


def test_samples_without_spread_or_with_values_that_are_not_finite_have_no_effect_size():
    assert effect_size.cohens_dz([1.0]) is None and effect_size.cohens_dz([1.0, 1.0]) is None
    assert effect_size.improvement_share([]) is None and effect_size.improvement_share([math.nan]) is None


def test_two_pairs_and_constants_have_no_correlation():
    assert effect_size.pair_correlation([1, 2], [1, 2]) is None
    assert effect_size.pair_correlation([1, 1, 1], [1, 2, 3]) is None
