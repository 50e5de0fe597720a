import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from reports.statistics import paired_tests

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
samples = st.lists(numbers, min_size=2, max_size=12)


def test_the_summary_of_one_two_three_by_hand():
    found = paired_tests.summary([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # the t quantile of two degrees of freedom
    assert found.mean == 2
    assert found.interval == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert found.ninety == pytest.approx((2 - 2.919986 / math.sqrt(3), 2 + 2.919986 / math.sqrt(3)), abs=1e-5)
    assert found.p_value == pytest.approx(0.0741799, abs=1e-6)


def test_the_paired_test_is_scipys():
    arm, reference = np.random.default_rng(0).normal(size=(2, 9))
    assert paired_tests.summary(arm - reference).p_value == pytest.approx(scipy_stats.ttest_rel(arm, reference).pvalue)


@given(samples)
def test_the_interval_excludes_zero_exactly_where_p_is_below_alpha(values):
    found = paired_tests.summary(values)
    if found.interval is None:
        return
    low, high = found.interval
    assert low <= found.mean <= high and low <= found.ninety[0] and found.ninety[1] <= high
    if abs(found.p_value - paired_tests.ALPHA) > 1e-9:
        assert (low > 0 or high < 0) == (found.p_value < paired_tests.ALPHA)


@given(samples)
def test_swapping_the_arms_changes_the_sign_and_nothing_else(values):
    swapped = [-value for value in values]
    assert paired_tests.summary(swapped).mean == -paired_tests.summary(values).mean
    assert paired_tests.summary(swapped).p_value == pytest.approx(paired_tests.summary(values).p_value)
    assert (paired_tests.summary(values).p_value is None) == (paired_tests.deviation(values) is None)
    assert paired_tests.improvement(swapped) == pytest.approx(1 - paired_tests.improvement(values))


def test_samples_that_cannot_give_an_answer_have_none():
    assert paired_tests.summary([]) == (None, None, None, None)
    assert paired_tests.summary([1.0, math.nan]) == (None, None, None, None)
    assert paired_tests.summary([1.5]) == (1.5, None, None, None)
    assert paired_tests.summary([0.0, 0.0, 0.0]) == (0, None, None, None)
    assert paired_tests.summary([0.1 + 0.2, 0.3]) == (pytest.approx(0.3), None, None, None)
    assert paired_tests.sign_flip_p([2.0]) is None and paired_tests.sign_flip_p([1.0, math.inf]) is None
    assert paired_tests.effect_size([1.0]) is None and paired_tests.effect_size([1.0, 1.0]) is None
    assert paired_tests.improvement([]) is None and paired_tests.improvement([math.nan]) is None
    assert paired_tests.correlation([1, 2], [1, 2]) is None and paired_tests.correlation([1, 1, 1], [1, 2, 3]) is None
    assert paired_tests.holm([]) == []


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


def test_holm_multiplies_by_the_hypotheses_that_are_left():
    assert paired_tests.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@settings(max_examples=10, deadline=None)  # each of theirs collects garbage, half a second in a whole suite
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels(p_values):
    theirs = multipletests(p_values, method="holm")[1]
    assert paired_tests.holm(p_values) == pytest.approx(list(theirs), abs=1e-12)


@given(samples, st.floats(0.1, 200))
def test_equivalence_agrees_with_two_one_sided_tests(values, margin):
    if np.ptp(values) < 0.01:
        return
    p_value = ttost_paired(np.array(values), np.zeros(len(values)), -margin, margin)[0]
    if abs(p_value - 0.05) > 1e-9:
        assert paired_tests.equivalent(paired_tests.summary(values).ninety, margin) == (p_value < 0.05)


def test_effect_size_and_improvement_by_hand():
    assert paired_tests.effect_size([1, 2, 3]) == 2
    assert paired_tests.improvement([1, 0, -1, 2]) == 0.625


def test_correlation_is_pearsons():
    assert paired_tests.correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert paired_tests.correlation([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)


def test_the_planning_figures():
    assert paired_tests.pairs_to_detect(0.35, 0.5) == 7
    assert paired_tests.pairs_to_detect(0.35, 0.3) == 13
    powers = [paired_tests.equivalence_power(deviation, 0.5, 15) for deviation in (0.35, 0.5, 0.7, 1.0)]
    assert powers == pytest.approx([1.00, 0.96, 0.68, 0.20], abs=0.006)


def test_pairs_to_detect_is_statsmodels_rounded_up():
    exact = TTestPower().solve_power(effect_size=0.4, alpha=0.05, power=0.8)
    assert paired_tests.pairs_to_detect(1, 0.4) == math.ceil(exact)


def test_pairs_to_equate_is_the_fewest_with_enough_power():
    fewest = paired_tests.pairs_to_equate(0.7, 0.5)
    assert (
        paired_tests.equivalence_power(0.7, 0.5, fewest) >= 0.8 > paired_tests.equivalence_power(0.7, 0.5, fewest - 1)
    )


def test_power_of_equivalence_agrees_with_a_simulation():
    draws = np.random.default_rng(1).normal(0, 0.6, (20_000, 10))
    half = scipy_stats.t.ppf(0.95, 9) * draws.std(1, ddof=1) / math.sqrt(10)
    assert np.mean(abs(draws.mean(1)) + half < 0.5) == pytest.approx(
        paired_tests.equivalence_power(0.6, 0.5, 10), abs=0.01
    )


@pytest.mark.parametrize("pairs", [3, 5, 10, 15])
def test_the_detectable_difference_is_the_noncentral_ts_and_statsmodels(pairs):
    ours = paired_tests.detectable(0.7, pairs)
    assert ours == pytest.approx(0.7 * TTestPower().solve_power(nobs=pairs, alpha=0.05, power=0.8), rel=1e-6)
    theirs = scipy_stats.nct(pairs - 1, ours / 0.7 * math.sqrt(pairs))
    critical = scipy_stats.t.isf(0.025, pairs - 1)
    assert theirs.sf(critical) + theirs.cdf(-critical) == pytest.approx(0.8, abs=1e-9)
    assert paired_tests.detectable(0.7, 1) is None and paired_tests.supportable(0.7, 1, 0.5) is None


@pytest.mark.parametrize("pairs", [2, 5, 15])
@pytest.mark.parametrize("true", [0.0, 0.4, 2.0])
def test_without_a_margin_the_power_of_support_is_the_upper_half_of_the_t_tests(pairs, true):
    theirs = scipy_stats.nct(pairs - 1, true / 0.7 * math.sqrt(pairs)).sf(scipy_stats.t.isf(0.025, pairs - 1))
    assert paired_tests.support_power(0.7, pairs, 0.0, true) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("pairs, margin", [(5, 0.5), (7, 0.5), (10, 0.5), (10, 2.0)])
def test_the_supportable_difference_is_supported_four_times_in_five(pairs, margin):
    true = paired_tests.supportable(0.5, pairs, margin)
    draws = np.random.default_rng(2).normal(true, 0.5, (40_000, pairs))
    tests = scipy_stats.ttest_1samp(draws, 0, axis=1).pvalue
    assert np.mean((tests <= 0.05) & (draws.mean(1) >= margin)) == pytest.approx(0.8, abs=0.006)
    assert true > max(margin, paired_tests.detectable(0.5, pairs) - 1e-6)


@pytest.mark.parametrize("fewest", [paired_tests.pairs_to_detect, paired_tests.pairs_to_equate])
def test_two_pairs_do_with_hardly_any_spread_and_no_number_of_them_for_a_margin_of_nothing(fewest):
    assert fewest(1e-9, 0.5) == 2
    assert fewest(1.0, 1e-6) is None


def test_an_arm_split_at_random_rarely_differs_from_itself_and_the_share_is_that_of_its_t_tests():
    values = list(np.random.default_rng(4).normal(70, 0.7, 21))
    share = paired_tests.split(values)
    assert share == paired_tests.split(values) <= 0.06
    mixed = np.random.default_rng(0).permuted(np.tile(values, (10_000, 1)), axis=1)
    differ = scipy_stats.ttest_rel(mixed[:, :10], mixed[:, 10:20], axis=1).pvalue <= 0.05
    assert share == np.mean(differ)


def test_fewer_than_twenty_values_and_equal_ones_are_not_split():
    assert paired_tests.split([0.1 * n for n in range(19)]) is None
    assert paired_tests.split([0.7] * 20) is None and paired_tests.split([math.nan] * 20) is None
