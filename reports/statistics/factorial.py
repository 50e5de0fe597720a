"""Analysis of variance of a full factorial over its trials, with the seeds as blocks.

Fisher 1935, chapter 6; Box, Hunter and Hunter 2005, sections 5.5 to 5.10 (effects; interactions of third and higher
order as error) and 4.2 (blocks). A t test over three seeds' effects has two degrees of freedom; with five switches this
analysis has 78, or 10 where the effects depend on the seed.
"""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import OLS, RegressionResults

from ablations import Switch, designs
from reports.statistics.paired_tests import ALPHA, PairedTest

POOLING_P = 0.25  # of a preliminary test: with .05 dependence that it misses would bias the error (Bancroft 1964)
Values = Mapping[str, Mapping[int, float]]  # by arm, then by seed


def analyse_effect(effect: str, switches: Mapping[str, Switch], values: Values) -> PairedTest | None:
    """Test a main effect or an interaction of two switches.

    The model has the seeds, the main effects and the two-way interactions. All else is error, unless the main effects
    seem to depend on the seed (F test at POOLING_P): then the error is the interaction of the seeds with the effects of
    the same order.

    Args:
        effect: Name of the effect, as `designs.main_effect` and `designs.interaction` give it.
        switches: The factors of the factorial.
        values: Values of its arms.

    Returns:
        The effect with its intervals and p; None for another combination of arms, for fewer than two seeds or switches,
        and without any spread.
    """
    main_effects = {designs.main_effect(name): (name,) for name in switches}
    interactions = {designs.interaction(*names): names for names in itertools.combinations(switches, 2)}
    effects = main_effects | interactions
    arms = {on: values.get(designs.arm_name(switches, on), {}) for on in designs.subsets(switches)}
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in arms.values())))
    if effect not in effects or len(seeds) < 2 or len(switches) < 2:
        return None
    signs = np.array([[_sign(names, on) for names in effects.values()] for on in arms])  # shape (arms, effects)
    measured = np.array([[by_seed[seed] for by_seed in arms.values()] for seed in seeds])  # shape (seeds, arms)
    blocks = np.repeat(np.eye(len(seeds)), len(arms), axis=0)
    fit = OLS(measured.ravel(), np.hstack([blocks, np.tile(signs, (len(seeds), 1))])).fit()
    if fit.ssr <= 1e-18 * fit.uncentered_tss:  # no spread but rounding
        return None
    index = list(effects).index(effect)
    estimate, error, freedom = fit.params[len(seeds) + index], fit.bse[len(seeds) + index], fit.df_resid
    if _depends_on_seed(fit, blocks[:, 1:], len(switches)):
        order = slice(len(switches)) if effect in main_effects else slice(len(switches), None)
        error, freedom = _seed_error((measured @ signs)[:, order] * 4 / len(arms))
    return _test(float(estimate), float(error), float(freedom))


def _sign(names: Collection[str], on: Collection[str]) -> float:
    """Half the sign of an effect in an arm: its coefficient is the mean of the arms with a plus less the others'."""
    return 0.5 * (-1) ** len(set(names) - set(on))


def _depends_on_seed(fit: RegressionResults, blocks: np.ndarray, switches: int) -> bool:
    """F test of the interactions of the seeds with the main effects."""
    seeds = blocks.shape[1] + 1
    signs = fit.model.exog[:, seeds : seeds + switches]
    products = (blocks[:, :, None] * signs[:, None, :]).reshape(len(blocks), -1)
    fuller = OLS(fit.model.endog, np.hstack([fit.model.exog, products])).fit()
    return bool(fuller.compare_f_test(fit)[1] <= POOLING_P)


def _seed_error(by_seed: np.ndarray) -> tuple[float, float]:
    """Standard error of the seeds' mean effect, its variance pooled over the effects, and its degrees of freedom.

    Args:
        by_seed: Effects in each seed, shape (seeds, effects).
    """
    seeds, effects = by_seed.shape
    return math.sqrt(by_seed.var(axis=0, ddof=1).mean() / seeds), effects * (seeds - 1)


def _test(estimate: float, error: float, freedom: float) -> PairedTest:
    half, ninety = (float(stats.t.isf(alpha / 2, freedom)) * error for alpha in (ALPHA, 2 * ALPHA))
    p_value = 2 * float(stats.t.sf(abs(estimate) / error, freedom))
    limits = (estimate - half, estimate + half), (estimate - ninety, estimate + ninety)
    return PairedTest(estimate, *limits, p_value, "analysis of variance")
