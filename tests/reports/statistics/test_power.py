import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

from reports.statistics import power


def test_the_planning_figures():
    assert power.pairs_to_detect(0.35, 0.5) == 7
    assert power.pairs_to_detect(0.35, 0.3) == 13
    powers = [power.equivalence_power(deviation, 0.5, 15) for deviation in (0.35, 0.5, 0.7, 1.0)]
    assert powers == pytest.approx([1.00, 0.96, 0.68, 0.20], abs=0.006)


def test_pairs_to_detect_is_statsmodels_rounded_up():
    exact = TTestPower().solve_power(effect_size=0.4, alpha=0.05, power=0.8)
    assert power.pairs_to_detect(1, 0.4) == math.ceil(exact)


def test_pairs_to_equate_is_the_fewest_with_enough_power():
    min_pairs = power.pairs_to_equate(0.7, 0.5)
    assert power.equivalence_power(0.7, 0.5, min_pairs) >= 0.8 > power.equivalence_power(0.7, 0.5, min_pairs - 1)


def test_power_of_equivalence_agrees_with_a_simulation():
    draws = np.random.default_rng(1).normal(0, 0.6, (20_000, 10))
    half = scipy_stats.t.ppf(0.95, 9) * draws.std(1, ddof=1) / math.sqrt(10)
    assert np.mean(abs(draws.mean(1)) + half < 0.5) == pytest.approx(power.equivalence_power(0.6, 0.5, 10), abs=0.01)


@pytest.mark.parametrize("pairs", [3, 5, 10, 15])
def test_the_detectable_difference_is_the_noncentral_ts_and_statsmodels(pairs):
    ours = power.detectable_difference(0.7, pairs)
    assert ours == pytest.approx(0.7 * TTestPower().solve_power(nobs=pairs, alpha=0.05, power=0.8), rel=1e-6)
    theirs = scipy_stats.nct(pairs - 1, ours / 0.7 * math.sqrt(pairs))
    critical = scipy_stats.t.isf(0.025, pairs - 1)
    assert theirs.sf(critical) + theirs.cdf(-critical) == pytest.approx(0.8, abs=1e-9)
    assert power.detectable_difference(0.7, 1) is None and power.supportable_difference(0.7, 1, 0.5) is None


@pytest.mark.parametrize("pairs", [2, 5, 15])
@pytest.mark.parametrize("true", [0.0, 0.4, 2.0])
def test_without_a_margin_the_power_of_support_is_the_upper_half_of_the_t_tests(pairs, true):
    theirs = scipy_stats.nct(pairs - 1, true / 0.7 * math.sqrt(pairs)).sf(scipy_stats.t.isf(0.025, pairs - 1))
    assert power.support_power(0.7, pairs, 0.0, true) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("pairs, margin", [(5, 0.5), (7, 0.5), (10, 0.5), (10, 2.0)])
def test_the_supportable_difference_is_supported_four_times_in_five(pairs, margin):
    true = power.supportable_difference(0.5, pairs, margin)
    draws = np.random.default_rng(2).normal(true, 0.5, (40_000, pairs))
    tests = scipy_stats.ttest_1samp(draws, 0, axis=1).pvalue
    assert np.mean((tests <= 0.05) & (draws.mean(1) >= margin)) == pytest.approx(0.8, abs=0.006)
    assert true > max(margin, power.detectable_difference(0.5, pairs) - 1e-6)


@pytest.mark.parametrize("needed_pairs", [power.pairs_to_detect, power.pairs_to_equate])
def test_two_pairs_suffice_for_a_tiny_spread_and_no_number_for_a_tiny_margin(needed_pairs):
    assert needed_pairs(1e-9, 0.5) == 2
    assert needed_pairs(1.0, 1e-6) is None
