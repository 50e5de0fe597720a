"""Analysis of variance of a factorial, or of half of one, over its trials, with the seeds as blocks.

Fisher 1935, chapter 6; Box, Hunter and Hunter 2005, chapter 5 (effects) and section 4.2 (blocks). The error of an
effect is the interaction of the seeds with the effects of its order: with five switches and three seeds the main
effects have 10 degrees of freedom, in place of the two of a t test over three seeds' effects.
"""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
from scipy import stats

from ablations.framework.effects import interaction, main_effect
from reports.statistics.paired_tests import ALPHA, PairedTest

Values = Mapping[str, Mapping[int, float]]  # by arm, then by seed
Combinations = Mapping[str, Mapping[str, float]]  # weights of arms, by the combination's name


def analyse_effect(
    effect: str, switches: Collection[str], combinations: Combinations, values: Values
) -> PairedTest | None:
    """Test a main effect or an interaction of two switches.

    Args:
        effect: Name of the effect, as `ablations.framework.effects` gives it.
        switches: Names of the factors of the factorial.
        combinations: Its effects.
        values: Values of its arms.

    Returns:
        The effect with its intervals and p; None for another combination of arms, for fewer than two seeds or switches,
        and without any spread.
    """
    orders = map(main_effect, switches), itertools.starmap(interaction, itertools.combinations(switches, 2))
    effects = next((names for names in map(list, orders) if effect in names), [])
    arms = list(combinations.get(effect, ()))
    is_analysed = len(switches) > 1 and arms and effects
    if not is_analysed or any(combinations.get(name, {}).keys() != set(arms) for name in effects):
        return None
    seeds = sorted(set.intersection(*(set(values.get(arm, {})) for arm in arms)))
    if len(seeds) < 2:
        return None
    weights = np.array([[combinations[name][arm] for name in effects] for arm in arms])  # shape (arms, effects)
    measured = np.array([[values[arm][seed] for arm in arms] for seed in seeds])  # shape (seeds, arms)
    by_seed = measured @ weights  # shape (seeds, effects)
    variances = by_seed.var(axis=0, ddof=1)
    if variances.max() <= 1e-18 * np.abs(measured).max() ** 2:  # no spread but rounding
        return None
    estimate = float(by_seed[:, effects.index(effect)].mean())
    return _test(estimate, math.sqrt(variances.mean()), len(seeds), len(effects) * (len(seeds) - 1))


def _test(estimate: float, deviation: float, seeds: int, freedom: int) -> PairedTest:
    error = deviation / math.sqrt(seeds)
    half, ninety = (float(stats.t.isf(alpha / 2, freedom)) * error for alpha in (ALPHA, 2 * ALPHA))
    p_value = 2 * float(stats.t.sf(abs(estimate) / error, freedom))
    limits = (estimate - half, estimate + half), (estimate - ninety, estimate + ninety)
    return PairedTest(estimate, *limits, p_value, "analysis of variance", deviation)
