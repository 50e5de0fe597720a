"""The analysis of variance of a factorial, against statsmodels' formulas and by its error rates."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f, t
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from ablations import Claim, Contrast, Switch
from ablations.framework import effects
from reports.statistics.claim_verdicts import judge
from reports.statistics.factorial import analyse_effect
from reports.statistics.pairs import Design
from reports.tables.observations import Observation

SWITCHES = {name: Switch({name: 1}, {name: 0}) for name in "abc"}
ARMS = list(effects.subsets("abc"))
COMBINATIONS = effects.full_effects(SWITCHES)
MAIN, TWO_WAY = effects.main_effect("a"), effects.interaction("a", "b")


def values(draws, **sizes):
    """Values of all arms by seed; half of an effect, such as ab, is added where its sign is a plus, else subtracted."""
    return {
        effects.arm_name(SWITCHES, on): {
            seed: draws[seed, index] + sum(size / 2 * (-1) ** len(set(name) - set(on)) for name, size in sizes.items())
            for seed in range(len(draws))
        }
        for index, on in enumerate(ARMS)
    }


def frame(by_arm):
    rows = [
        (seed, *(name in on for name in "abc"), by_arm[effects.arm_name(SWITCHES, on)][seed])
        for seed, on in itertools.product(range(3), ARMS)
    ]
    return pd.DataFrame(rows, columns=["seed", *"abc", "value"])


@pytest.mark.parametrize(
    "effect, term, order",
    [(MAIN, "a", ("a", "b", "c")), (TWO_WAY, "a:b", ("a:b", "a:c", "b:c"))],
)
def test_the_error_is_the_mean_square_of_seeds_and_effects_of_one_order(effect, term, order):
    """Mean squares of statsmodels, with 3 effects x 2 degrees of freedom."""
    by_arm = values(np.random.default_rng(3).normal(size=(3, 8)), a=1.0, ab=0.5)
    test = analyse_effect(effect, SWITCHES, COMBINATIONS, by_arm)
    table = anova_lm(ols("value ~ C(seed) * (a + b + c) ** 2", frame(by_arm)).fit())
    terms = [f"C(seed):{name}" for name in order]
    mean_square = table.loc[terms, "sum_sq"].sum() / table.loc[terms, "df"].sum()
    assert table.loc[terms, "df"].sum() == 6
    assert test.p_value == pytest.approx(f.sf(table.loc[term, "sum_sq"] / mean_square, 1, 6))
    assert test.interval[1] - test.estimate == pytest.approx(t.isf(0.025, 6) * np.sqrt(mean_square * 4 / 24))


def test_the_estimate_is_the_mean_over_the_seeds_of_the_weighted_arms():
    by_arm = values(np.random.default_rng(2).normal(size=(3, 8)), a=2.0)
    for effect in (MAIN, TWO_WAY):
        weights = COMBINATIONS[effect]
        by_seed = [sum(weight * by_arm[arm][seed] for arm, weight in weights.items()) for seed in range(3)]
        test = analyse_effect(effect, SWITCHES, COMBINATIONS, by_arm)
        assert test.estimate == pytest.approx(np.mean(by_seed))
        assert test.interval[0] < test.ninety[0] < test.estimate < test.ninety[1] < test.interval[1]


def test_half_of_a_factorial_is_analysed_over_its_arms():
    """Of three switches: abc, a, b and c; with 3 effects x 2 degrees of freedom."""
    on_sets = effects.half_subsets("abc")
    assert [*map("".join, on_sets)] == ["a", "b", "c", "abc"]
    draws = np.random.default_rng(6).normal(size=(3, 4))
    by_arm = {effects.arm_name("abc", on): dict(enumerate(draws[:, n])) for n, on in enumerate(on_sets)}
    test = analyse_effect(MAIN, "abc", effects.signed_effects("abc", on_sets, interactions=False), by_arm)
    a, b, c, whole = draws.T
    by_seed = np.array([(whole + one - two - three) / 2 for one, two, three in ((a, b, c), (b, a, c), (c, a, b))])
    assert test.estimate == pytest.approx(by_seed[0].mean())
    error = np.sqrt(by_seed.var(axis=1, ddof=1).mean() / 3)
    assert test.p_value == pytest.approx(2 * t.sf(abs(test.estimate) / error, 6))


def test_other_combinations_of_arms_are_left_to_the_t_test():
    by_arm = values(np.random.default_rng(3).normal(size=(3, 8)))
    assert analyse_effect(effects.shapley_share("a"), SWITCHES, COMBINATIONS, by_arm) is None


def test_one_seed_one_switch_and_constant_values_are_not_analysed():
    draws = np.random.default_rng(4).normal(size=(3, 8))
    assert analyse_effect(MAIN, SWITCHES, COMBINATIONS, values(draws[:1])) is None
    assert analyse_effect(MAIN, SWITCHES, COMBINATIONS, values(0 * draws)) is None
    arms = {"a": {0: 1.0, 1: 2.0}, effects.ALL_OFF: {0: 0.0, 1: 0.5}}
    assert analyse_effect(MAIN, ["a"], effects.full_effects(["a"]), arms) is None


def test_claims_on_effects_are_judged_by_the_analysis_and_others_by_their_seeds():
    by_arm = values(np.random.default_rng(5).normal(scale=0.004, size=(3, 8)), a=0.02)
    names = (MAIN, effects.left_out("a"))
    rows = [
        Observation("study", arm, seed, "test/accuracy", value, identity=f"{arm}{seed}", trained=True)
        for arm, by_seed in by_arm.items()
        for seed, value in by_seed.items()
    ]
    for effect, seed in itertools.product(names, range(3)):
        value = sum(weight * by_arm[arm][seed] for arm, weight in COMBINATIONS[effect].items())
        rows.append(Observation("study", effect, seed, "test/accuracy", value, identity=effect, trained=True))
    claims = [("study", Claim(name, "A sentence", (Contrast("test/accuracy", name, 0.0, 0.5),))) for name in names]
    main, left_out = (
        j.main
        for j in judge(claims, pd.DataFrame(rows), designs={"study": Design(3, {}, tuple(SWITCHES), COMBINATIONS)})
    )
    assert (main.method, main.verdict, left_out.method) == ("analysis of variance", "supported", "t test")
    assert main.p_value == pytest.approx(analyse_effect(MAIN, SWITCHES, COMBINATIONS, by_arm).p_value)
    assert main.estimate == pytest.approx(100 * np.mean([row.value for row in rows if row.arm == MAIN]))
