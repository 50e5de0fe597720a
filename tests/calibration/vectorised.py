"""The rules for verdicts on arrays of many studies at once; test_vectorised.py holds them against `judge`.

Arrays of a study's parts have the shape (studies, claims, parts); differences have the pairs as a further axis.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import sequential
from reports.statistics.paired_tests import ALPHA

NAMES = ("refuted", "underpowered", "inconclusive", "negligible", "supported")  # by precedence of parts joined by AND
REFUTED, UNDERPOWERED, INCONCLUSIVE, NEGLIGIBLE, SUPPORTED = range(5)
UNDECIDED = (UNDERPOWERED, INCONCLUSIVE)


class Tests(NamedTuple):
    """Tests of all parts: each field has the shape (studies, claims, parts)."""

    estimate: np.ndarray
    low: np.ndarray  # 95 % interval
    high: np.ndarray
    ninety_low: np.ndarray
    ninety_high: np.ndarray
    p_value: np.ndarray

    def take(self, chosen: np.ndarray, others: Tests) -> Tests:
        """These tests where `chosen`, shape (studies, claims), is true, and the others elsewhere."""
        return Tests(*(np.where(chosen[..., None], a, b) for a, b in zip(self, others, strict=True)))


class Judged(NamedTuple):
    """Verdicts as indices of NAMES, and pairs used: shape (studies, claims)."""

    verdicts: np.ndarray
    pairs: np.ndarray


def _t_tests(differences: np.ndarray, level: float, ninety_level: float) -> Tests:
    """Student's t tests with intervals at two nominal levels."""
    pairs = differences.shape[-1]
    mean = differences.mean(-1)
    error = differences.std(-1, ddof=1) / math.sqrt(pairs)
    half, ninety = (stats.t.isf(nominal / 2, pairs - 1) * error for nominal in (level, ninety_level))
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stats.t.sf(abs(mean / error), pairs - 1)
    p_value = np.where(is_constant(differences), np.where(mean == 0, 1.0, 2 / 2**pairs), p_value)
    return Tests(mean, mean - half, mean + half, mean - ninety, mean + ninety, p_value)


def is_constant(differences: np.ndarray) -> np.ndarray:
    """Whether the differences are all equal, but for rounding: shape without the last axis."""
    return np.ptp(differences, -1) <= 1e-9 * abs(differences).max(-1)


def t_tests(differences: np.ndarray) -> Tests:
    """Tests of a fixed number of pairs."""
    return _t_tests(differences, ALPHA, 2 * ALPHA)


def signed_rank_tests(differences: np.ndarray) -> Tests:
    """Wilcoxon's tests, and order-statistic intervals of the median."""
    pairs, ordered = differences.shape[-1], np.sort(differences, axis=-1)
    below, ninety_below = (int(stats.binom.ppf(alpha / 2, pairs, 0.5)) - 1 for alpha in (ALPHA, 2 * ALPHA))
    intervals = [ordered[..., index] for k in (below, ninety_below) for index in (k, pairs - 1 - k)]
    p_value = stats.wilcoxon(differences, axis=-1).pvalue
    return Tests(np.median(differences, axis=-1), *intervals, p_value)


@cache
def _levels() -> tuple[np.ndarray, np.ndarray]:
    """Overall alphas, and the nominal level of each analysis at each: shapes (alphas,) and (alphas, analyses)."""
    alphas = np.exp(np.linspace(math.log(1e-6), 0, 200))
    return alphas, np.array([sequential.nominal_levels(float(alpha)) for alpha in alphas])


def sequential_tests(differences: np.ndarray) -> list[Tests]:
    """Tests at each interim analysis; p is the smallest overall one up to it."""
    alphas, levels = _levels()
    nominal = zip(sequential.nominal_levels(ALPHA), sequential.nominal_levels(2 * ALPHA), strict=True)
    tests: list[Tests] = []
    p_values: list[np.ndarray] = []
    for index, (pairs, limits) in enumerate(zip(INTERIM_ANALYSES, nominal, strict=True)):
        test = _t_tests(differences[..., :pairs], *limits)
        log_p = np.interp(np.log(np.maximum(test.p_value, 1e-300)), np.log(levels[:, index]), np.log(alphas))
        p_value = np.where(test.p_value < levels[-1, index], np.exp(log_p), 1.0)
        p_values.append(np.where(is_constant(differences[..., :pairs]), 1.0, p_value))
        tests.append(test._replace(p_value=np.min(p_values, axis=0)))
    return tests


def holm_factors(p_values: np.ndarray) -> np.ndarray:
    """Factors of Holm's correction over the last axis."""
    order, ranks = np.argsort(p_values, -1), np.arange(p_values.shape[-1], 0, -1)
    ascending = np.take_along_axis(p_values, order, -1)
    stepped = np.maximum.accumulate(ascending * ranks, -1)
    factors = np.empty_like(p_values)
    np.put_along_axis(factors, order, np.maximum(stepped / np.maximum(ascending, 1e-300), ranks), -1)
    return factors


def judge_family(tests: Tests, margin: float, direction: str = "higher") -> np.ndarray:
    """Verdicts on claims of one family, each joining its parts by AND; shape (studies, claims)."""
    parts, is_equivalence = tests.estimate.shape[-1], direction == "equal"
    is_against = (tests.estimate <= 0) | is_equivalence
    p_supported = np.where(is_against.any(-1), 1.0, tests.p_value.max(-1))
    p_refuted = parts * np.where(is_against, tests.p_value, 1.0).min(-1)
    factors = holm_factors(np.minimum(np.minimum(p_supported, p_refuted), 1.0))[..., None]
    is_shown = tests.p_value * factors * np.where(is_against, parts, 1) <= ALPHA
    beyond = abs(tests.estimate) >= margin
    if is_equivalence:
        beyond = (tests.low > margin) | (tests.high < -margin)
    within = (tests.ninety_low >= -margin) & (tests.ninety_high <= margin)
    is_shown |= tests.high - tests.low <= 1e-9 * abs(tests.estimate)  # all pairs agree
    verdicts = np.select(
        [beyond & is_shown & is_against, beyond & is_shown, within, (tests.high - tests.low) / 2 > margin],
        [REFUTED, SUPPORTED, SUPPORTED if is_equivalence else NEGLIGIBLE, UNDERPOWERED],
        INCONCLUSIVE,
    )
    return verdicts.min(-1)


def judge_fixed(tests: Tests, pairs: int, margin: float, direction: str = "higher") -> Judged:
    """Judge a family with a fixed number of pairs."""
    verdicts = judge_family(tests, margin, direction)
    return Judged(verdicts, np.full(verdicts.shape, pairs))


def judge_sequentially(differences: np.ndarray, margin: float, direction: str = "higher") -> Judged:
    """Judge as a run with looks does: undecided claims get the next analysis's pairs, and all are judged again."""
    tests = sequential_tests(differences)
    look = np.zeros(differences.shape[:2], dtype=int)
    while True:
        current = tests[0]
        for index, test in enumerate(tests[1:], start=1):
            current = test.take(look >= index, current)
        verdicts = judge_family(current, margin, direction)
        waiting = np.isin(verdicts, UNDECIDED) & (look < len(INTERIM_ANALYSES) - 1)
        if not waiting.any():
            return Judged(verdicts, np.array(INTERIM_ANALYSES)[look])
        look[waiting] += 1


def differing_checks(checks: np.ndarray, stated: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Whether checks are shown to differ from the stated part: shape (studies, claims, checks).

    Args:
        checks: Differences of the checks, shape (studies, claims, checks, pairs).
        stated: Differences of the stated parts, shape (studies, claims, pairs).
        pairs: Number of pairs of the stated parts, shape (studies, claims).
    """
    fixed = checks.shape[-1]
    interactions = checks - stated[..., None, :fixed]
    p_values = np.ones(checks.shape[:-1])
    for common in {int(number) for number in np.unique(np.minimum(pairs, fixed))}:
        p_values = np.where(
            (np.minimum(pairs, fixed) == common)[..., None], t_tests(interactions[..., :common]).p_value, p_values
        )
    flat = p_values.reshape(len(p_values), -1)
    return (flat * holm_factors(flat) <= ALPHA).reshape(p_values.shape)


def factorial_tests(values: np.ndarray, signs: np.ndarray) -> Tests:
    """Analysis of variance of main effects, with seeds as blocks.

    Args:
        values: Shape (studies, seeds, arms).
        signs: Signs of the main effects, shape (arms, switches).

    Returns:
        Tests of the main effects, shape (studies, switches, 1).
    """
    seeds, arms, switches = *values.shape[1:], signs.shape[1]
    by_seed = values @ signs * 2 / arms  # every main effect of every seed
    main, freedom = by_seed.mean(1), switches * (seeds - 1)
    error = np.sqrt(by_seed.var(1, ddof=1).mean(1, keepdims=True) / seeds)
    half, ninety = (stats.t.isf(alpha / 2, freedom) * error for alpha in (ALPHA, 2 * ALPHA))
    p_value = 2 * stats.t.sf(abs(main / error), freedom)
    return Tests(*(part[..., None] for part in (main, main - half, main + half, main - ninety, main + ninety, p_value)))
