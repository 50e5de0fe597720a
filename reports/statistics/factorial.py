"""Analysis of variance of a full factorial over its trials, with the seeds as blocks.

Fisher 1935, chapter 6; Box, Hunter and Hunter 2005, chapter 5 (effects) and section 4.2 (blocks). The error of an
effect is the interaction of the seeds with the effects of its order: with five switches and three seeds the main
effects have 10 degrees of freedom, in place of the two of a t test over three seeds' effects.
"""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
from scipy import stats

from ablations import Switch, designs
from reports.statistics.paired_tests import ALPHA, PairedTest

Values = Mapping[str, Mapping[int, float]]  # by arm, then by seed


def analyse_effect(effect: str, switches: Mapping[str, Switch], values: Values) -> PairedTest | None:
    """Test a main effect or an interaction of two switches.

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
    effects = main_effects if effect in main_effects else interactions
    arms = {on: values.get(designs.arm_name(switches, on), {}) for on in designs.subsets(switches)}
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in arms.values())))
    if effect not in effects or len(seeds) < 2 or len(switches) < 2:
        return None
    signs = np.array([[_sign(names, on) for names in effects.values()] for on in arms])  # shape (arms, effects)
    measured = np.array([[by_seed[seed] for by_seed in arms.values()] for seed in seeds])  # shape (seeds, arms)
    by_seed = measured @ signs * 2 / len(arms)  # shape (seeds, effects)
    variances = by_seed.var(axis=0, ddof=1)
    if variances.max() <= 1e-18 * np.abs(measured).max() ** 2:  # no spread but rounding
        return None
    estimate = float(by_seed[:, list(effects).index(effect)].mean())
    return _test(estimate, math.sqrt(variances.mean()), len(seeds), len(effects) * (len(seeds) - 1))


def _sign(names: Collection[str], on: Collection[str]) -> float:
    """Sign of an effect in an arm: the effect is the mean of the arms with a plus less that of the others."""
    return (-1) ** len(set(names) - set(on))


def _test(estimate: float, deviation: float, seeds: int, freedom: int) -> PairedTest:
    error = deviation / math.sqrt(seeds)
    half, ninety = (float(stats.t.isf(alpha / 2, freedom)) * error for alpha in (ALPHA, 2 * ALPHA))
    p_value = 2 * float(stats.t.sf(abs(estimate) / error, freedom))
    limits = (estimate - half, estimate + half), (estimate - ninety, estimate + ninety)
    return PairedTest(estimate, *limits, p_value, "analysis of variance", deviation)
