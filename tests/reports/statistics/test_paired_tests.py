import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import ttost_paired

from reports.statistics import paired_tests
from reports.statistics.paired_tests import PairedTest

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
samples = st.lists(numbers, min_size=2, max_size=12)


def test_the_t_test_of_one_two_three_by_hand():
    test = paired_tests.t_test([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # the t quantile of two degrees of freedom
    assert test.estimate == 2
    assert test.interval == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert test.ninety == pytest.approx((2 - 2.919986 / math.sqrt(3), 2 + 2.919986 / math.sqrt(3)), abs=1e-5)
    assert test.p_value == pytest.approx(0.0741799, abs=1e-6)


def test_the_paired_test_is_scipys():
    arm, reference = np.random.default_rng(0).normal(size=(2, 9))
    assert paired_tests.t_test(arm - reference).p_value == pytest.approx(scipy_stats.ttest_rel(arm, reference).pvalue)


@given(samples)
def test_the_interval_excludes_zero_exactly_where_p_is_below_alpha(values):
    test = paired_tests.t_test(values)
    if test.interval is None:
        return
    low, high = test.interval
    assert low <= test.estimate <= high and low <= test.ninety[0] and test.ninety[1] <= high
    if abs(test.p_value - paired_tests.ALPHA) > 1e-9:
        assert (low > 0 or high < 0) == (test.p_value < paired_tests.ALPHA)


@given(samples)
def test_swapping_the_arms_changes_the_sign_and_nothing_else(values):
    swapped = [-value for value in values]
    assert paired_tests.t_test(swapped).estimate == -paired_tests.t_test(values).estimate
    assert paired_tests.t_test(swapped).p_value == pytest.approx(paired_tests.t_test(values).p_value)
    assert (paired_tests.t_test(values).p_value is None) == (paired_tests.standard_deviation(values) is None)
    assert paired_tests.improvement_share(swapped) == pytest.approx(1 - paired_tests.improvement_share(values))


def test_samples_that_cannot_give_an_answer_have_none():
    assert paired_tests.t_test([]) == PairedTest()
    assert paired_tests.t_test([1.0, math.nan]) == PairedTest()
    assert paired_tests.t_test([1.5]) == PairedTest(1.5)
    assert paired_tests.t_test([0.0, 0.0, 0.0]) == PairedTest(0.0)
    assert paired_tests.t_test([0.1 + 0.2, 0.3]) == PairedTest(pytest.approx(0.3))
    assert paired_tests.sign_flip_p([2.0]) is None and paired_tests.sign_flip_p([1.0, math.inf]) is None


def test_the_sign_flip_p_counts_the_patterns_that_are_as_extreme():
    assert paired_tests.sign_flip_p([1, 2, 3]) == 2 / 8
    assert paired_tests.sign_flip_p([1, 2, -3]) == 1
    assert (
        paired_tests.sign_flip_p([1, 2, 4, -1]) == 6 / 16
    )  # 6 or more: 1+2+4-1, -1+2+4+1, 1+2+4+1; and their mirror images
    assert paired_tests.sign_flip_p([1.0] * 8) == 2 / 2**8


def test_beyond_fifteen_pairs_the_patterns_are_drawn_from_a_seed_and_p_is_never_zero():
    assert paired_tests.sign_flip_p([1.0] * 30) == paired_tests.sign_flip_p([1.0] * 30) == pytest.approx(2 / 10_001)


@pytest.mark.parametrize("pairs", [2, 7, 15, 16, 40])
def test_the_sign_flip_p_is_scipys_to_the_last_digit(pairs):
    differences = np.random.default_rng(pairs).normal(0.3, 1, pairs)
    patterns, generator = (2**pairs if pairs <= 15 else 10_000), np.random.RandomState(0)
    theirs = scipy_stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=patterns, random_state=generator
    )
    assert paired_tests.sign_flip_p(differences) == theirs.pvalue


def test_patterns_that_are_as_extreme_but_for_rounding_are_counted():
    assert paired_tests.sign_flip_p([0.1, 0.2, -0.3]) == paired_tests.sign_flip_p([1, 2, -3])
    assert paired_tests.sign_flip_p([0.1] * 20 + [-0.3] * 10) == paired_tests.sign_flip_p([1] * 20 + [-3] * 10)


@given(samples, st.floats(0.1, 200))
def test_equivalence_agrees_with_two_one_sided_tests(values, margin):
    if np.ptp(values) < 0.01:
        return
    p_value = ttost_paired(np.array(values), np.zeros(len(values)), -margin, margin)[0]
    if abs(p_value - 0.05) > 1e-9:
        assert paired_tests.is_equivalent(paired_tests.t_test(values).ninety, margin) == (p_value < 0.05)


def test_effect_size_and_improvement_by_hand():
    assert paired_tests.cohens_dz([1, 2, 3]) == 2
    assert paired_tests.improvement_share([1, 0, -1, 2]) == 0.625


def test_correlation_is_pearsons():
    assert paired_tests.pair_correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert paired_tests.pair_correlation([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)


def test_samples_without_spread_or_with_values_that_are_not_finite_have_no_effect_size():
    assert paired_tests.cohens_dz([1.0]) is None and paired_tests.cohens_dz([1.0, 1.0]) is None
    assert paired_tests.improvement_share([]) is None and paired_tests.improvement_share([math.nan]) is None


def test_two_pairs_and_constants_have_no_correlation():
    assert paired_tests.pair_correlation([1, 2], [1, 2]) is None
    assert paired_tests.pair_correlation([1, 1, 1], [1, 2, 3]) is None


def test_the_signed_rank_test_has_the_median_and_intervals_between_sorted_differences():
    """Seven differences: 95 % lies between the smallest and the largest, since 1 - 2 / 2^7 is 98.4 %."""
    test = paired_tests.signed_rank_test([3.0, 1.0, 2.0, 7.0, 5.0, 4.0, 100.0])
    assert (test.estimate, test.interval, test.p_value) == (4, (1, 100), 2 / 2**7)
    assert test.ninety == (1, 100) and test.method == "signed rank test"  # leaving both ends out would cover 87.5 %
    test = paired_tests.signed_rank_test(range(1, 16))
    assert (test.estimate, test.interval, test.ninety) == (8, (4, 12), (4, 12))  # 96.5 %; one further in 88.2 %


def test_few_differences_have_no_interval_of_the_median():
    assert paired_tests.signed_rank_test([1.0, 2.0, 3.0, 4.0]).ninety is None
    five = paired_tests.signed_rank_test([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (five.interval, five.ninety) == (None, (1, 5))


@pytest.mark.parametrize("differences, p_value", [([2.0] * 3, 0.25), ([-2.0] * 6, 2 / 64), ([0.0] * 6, 1.0)])
def test_the_sign_test_of_equal_differences(differences, p_value):
    test = paired_tests.sign_test(differences)
    assert (test.estimate, test.interval, test.p_value) == (differences[0], None, p_value)
