import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm, ttest_1samp

from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import paired_tests, sequential

alphas = st.floats(-5, 0).map(lambda power: 10**power)


@pytest.fixture
def uncached():
    sequential.boundaries.cache_clear()
    yield
    sequential.boundaries.cache_clear()


def test_the_boundaries_are_the_published_ones(monkeypatch, uncached):
    """Three equally spaced looks and O'Brien-Fleming spending, two-sided 5 %, as gsDesign and ldbounds print them."""
    monkeypatch.setattr(sequential, "INTERIM_ANALYSES", (5, 10, 15))
    monkeypatch.setattr(
        sequential, "alpha_spent", lambda alpha, share: 4 * norm.sf(norm.isf(alpha / 4) / math.sqrt(share))
    )
    assert sequential.boundaries(0.05, 3) == pytest.approx((3.710, 2.511, 1.993), abs=5e-4)


def test_alpha_is_spent_by_the_square_of_the_pairs():
    spent = [sequential.alpha_spent(0.05, pairs / 12) for pairs in INTERIM_ANALYSES]
    assert spent == pytest.approx([0.05 / 1.1 * pairs**2 / 144 for pairs in (3, 5, 8, 12)])


def test_the_first_look_has_the_level_that_is_spent_there():
    assert sequential.nominal_levels(0.05)[0] == pytest.approx(0.05 / 1.1 / 16)


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.1, 0.5])
def test_the_integral_agrees_with_scipys_joint_normal(alpha):
    """The integral gives the probability that no boundary is crossed up to each look."""
    bounds = np.array(sequential.boundaries(alpha))
    correlations = np.sqrt(
        np.minimum.outer(INTERIM_ANALYSES, INTERIM_ANALYSES) / np.maximum.outer(INTERIM_ANALYSES, INTERIM_ANALYSES)
    )
    for looks in (1, 2, 3, 4):
        joint = multivariate_normal(np.zeros(looks), correlations[:looks, :looks])
        inside = joint.cdf(bounds[:looks], lower_limit=-bounds[:looks], rng=np.random.default_rng(0))
        assert 1 - inside == pytest.approx(sequential.alpha_spent(alpha, INTERIM_ANALYSES[looks - 1] / 12), abs=5e-5)


@given(alphas, alphas)
def test_a_higher_alpha_never_has_a_higher_boundary(lower, higher):
    low, high = sorted((lower, higher))
    assert np.all(np.array(sequential.boundaries(low)) >= np.array(sequential.boundaries(high)) - 1e-9)


@given(alphas.filter(lambda alpha: alpha < 0.99), st.sampled_from((0, 1, 2, 3)))
def test_the_overall_p_undoes_the_nominal_level(alpha, look):
    nominal = sequential.nominal_levels(alpha)[look]
    if nominal > 10 * sequential.MIN_P:
        assert sequential.overall_p(nominal, look) == pytest.approx(alpha, rel=1e-6)


def test_p_is_one_above_every_level_and_small_below_all():
    assert sequential.overall_p(0.9, 0) == 1
    assert 0 < sequential.overall_p(0.0, 3) <= 1e-10


@pytest.mark.parametrize(
    "pairs, looks, used", [(0, 0, 0), (2, 0, 2), (3, 1, 3), (4, 1, 3), (5, 2, 5), (9, 3, 8), (40, 4, 12)]
)
def test_the_last_interim_analysis_reached_counts(pairs, looks, used):
    assert (sequential.analyses_reached(pairs), sequential.pairs_used(pairs)) == (looks, used)


def draws(pairs, center=0.5, seed=0):
    return list(np.random.default_rng(seed).normal(center, 1, pairs))


def test_pairs_between_looks_wait_for_the_next_one():
    differences = draws(11)
    assert sequential.t_test(differences) == sequential.t_test(differences[:8])
    assert sequential.t_test(differences[:2]) == paired_tests.PairedTest(pytest.approx(np.mean(differences[:2])))
    assert sequential.t_test([]) == paired_tests.PairedTest()


@given(st.integers(0, 1000), st.sampled_from(INTERIM_ANALYSES))
def test_sequential_results_are_more_conservative_than_fixed_ones(seed, pairs):
    differences = draws(pairs, seed=seed)
    ours, fixed = sequential.t_test(differences), paired_tests.t_test(differences)
    assert ours.estimate == fixed.estimate
    assert ours.interval[0] < fixed.interval[0] and fixed.interval[1] < ours.interval[1]
    assert ours.interval[0] < ours.ninety[0] and ours.ninety[1] < ours.interval[1]
    assert min(1, ours.p_value) >= min(
        paired_tests.t_test(differences[:n]).p_value for n in INTERIM_ANALYSES if n <= pairs
    )


@given(st.integers(0, 1000))
def test_the_first_looks_interval_excludes_zero_exactly_where_its_p_is_below_alpha(seed):
    differences = draws(3, center=12, seed=seed)
    test = sequential.t_test(differences)
    if abs(test.p_value - paired_tests.ALPHA) > 1e-6:
        assert (test.interval[0] > 0) == (test.p_value < paired_tests.ALPHA)


def test_a_boundary_crossed_earlier_stays_crossed():
    """With three strong pairs and nine pairs of noise, p is that of the first look."""
    strong = [3.0, 3.01, 2.99]
    result = sequential.t_test([*strong, *draws(9, center=0, seed=1)])
    assert result.p_value <= sequential.t_test(strong).p_value == sequential.overall_p(ttest_1samp(strong, 0).pvalue, 0)


def test_equal_differences_leave_no_spread_at_a_look_either():
    assert sequential.t_test([1.0] * 3) == paired_tests.PairedTest(1.0)
    test = sequential.t_test([1.0] * 3 + draws(2))
    assert test.p_value is not None and test.interval is not None


def test_at_most_five_percent_of_normal_samples_without_effect_cross_a_boundary():
    """20,000 samples at the four looks, each with its own t test and level."""
    sampled = np.random.default_rng(3).normal(size=(20_000, 12))
    crossed = [
        ttest_1samp(sampled[:, :pairs], 0, axis=1).pvalue <= level
        for pairs, level in zip(INTERIM_ANALYSES, sequential.nominal_levels(paired_tests.ALPHA), strict=True)
    ]
    share = np.mean(np.any(crossed, axis=0))
    assert share <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 20_000)
    assert share >= 0.04  # and the error rate is nearly used up
