"""Analysis of variance of a full factorial over its trials, with the seeds as blocks.

Fisher 1935, chapter 6; Box, Hunter and Hunter 2005, sections 5.5 to 5.10 (effects; interactions of third and higher
order as error) and 4.2 (blocks). A t test over three seeds' effects has two degrees of freedom; with five switches this
analysis has 78.
"""

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
from statsmodels.regression.linear_model import OLS, RegressionResults

from ablations import Switch, designs
from reports.statistics.paired_tests import ALPHA, PairedTest

Values = Mapping[str, Mapping[int, float]]  # by arm, then by seed


def analyse_effect(effect: str, switches: Mapping[str, Switch], values: Values) -> PairedTest | None:
    """Test a main effect or an interaction of two switches.

    The model has the seeds, the main effects and the two-way interactions. All else is error: higher interactions, and
    interactions of the effects with the seeds, unless a main effect is shown to depend on the seed (F test at 5 %).

    Args:
        effect: Name of the effect, as `designs.main_effect` and `designs.interaction` give it.
        switches: The factors of the factorial.
        values: Values of its arms.

    Returns:
        The effect with its intervals and p from the error; None for another combination of arms, for fewer than two
        seeds or switches, without any spread, and where a main effect depends on the seed.
    """
    main_effects = {designs.main_effect(name): (name,) for name in switches}
    interactions = {designs.interaction(*names): names for names in itertools.combinations(switches, 2)}
    effects = main_effects | interactions
    arms = {on: values.get(designs.arm_name(switches, on), {}) for on in designs.subsets(switches)}
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in arms.values())))
    if effect not in effects or len(seeds) < 2 or len(switches) < 2:
        return None
    cells = list(itertools.product(seeds, arms))
    blocks = np.array([[seed == block for block in seeds] for seed, _ in cells], dtype=float)
    signs = np.array([[_sign(names, on) for names in effects.values()] for _, on in cells])
    fit = OLS(np.array([arms[on][seed] for seed, on in cells]), np.hstack([blocks, signs])).fit()
    index = len(seeds) + list(effects).index(effect)
    if not math.isfinite(fit.pvalues[index]) or _depends_on_seed(fit, blocks[:, 1:], signs[:, : len(switches)]):
        return None
    interval, ninety = (fit.conf_int(alpha)[index] for alpha in (ALPHA, 2 * ALPHA))
    limits = (float(interval[0]), float(interval[1])), (float(ninety[0]), float(ninety[1]))
    return PairedTest(float(fit.params[index]), *limits, float(fit.pvalues[index]), "analysis of variance")


def _sign(names: Collection[str], on: Collection[str]) -> float:
    """Half the sign of an effect in an arm: its coefficient is the mean of the arms with a plus less the others'."""
    return 0.5 * (-1) ** len(set(names) - set(on))


def _depends_on_seed(fit: RegressionResults, blocks: np.ndarray, signs: np.ndarray) -> bool:
    """F test of the interactions of the seeds with the main effects."""
    products = (blocks[:, :, None] * signs[:, None, :]).reshape(len(blocks), -1)
    fuller = OLS(fit.model.endog, np.hstack([fit.model.exog, products])).fit()
    return bool(fuller.compare_f_test(fit)[1] <= ALPHA)
