import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations import Switch
from ablations.framework import designs
from ablations.framework.designs import arm_name, effect_weights, full_factorial, half_fraction, subsets

FIVE = {name: Switch(on={name: 1}, off={name: 0}) for name in "ABCDE"}
TWO = {"a": Switch(on={"x": 1}, off={"x": 0}), "b": Switch(on={"y": 1}, off={})}


def switched_on(name):
    return set() if name == designs.ALL_OFF else set(name.split(" + "))


def test_a_full_factorial_has_every_combination_and_begins_with_all_on():
    assert full_factorial(TWO) == {
        "a + b": {"x": 1, "y": 1},
        "b": {"x": 0, "y": 1},
        "a": {"x": 1},
        "none of them": {"x": 0},
    }
    assert len(full_factorial(FIVE)) == 32


def test_leaving_out_and_adding_in_go_one_switch_at_a_time():
    assert list(designs.leave_one_out(FIVE)) == [
        "A + B + C + D + E",
        *("B + C + D + E", "A + C + D + E", "A + B + D + E", "A + B + C + E", "A + B + C + D"),
    ]
    assert list(designs.add_one_in(FIVE)) == ["none of them", *"ABCDE"]
    assert list(designs.one_at_a_time(TWO, ("a",))) == ["a", "none of them", "a + b"]


def test_the_half_fraction_of_five_confounds_no_main_effect_or_interaction_with_another():
    """Resolution V: the columns of signs of all main effects and two-way interactions are orthogonal."""
    arms = half_fraction(FIVE)
    assert len(arms) == 16 and next(iter(arms)) == "A + B + C + D + E"
    signs = {name: np.array([1 if name in switched_on(arm) else -1 for arm in arms]) for name in FIVE}
    columns = [*signs.values(), *(signs[a] * signs[b] for a, b in itertools.combinations(FIVE, 2))]
    products = np.array([[first @ second for second in columns] for first in columns])
    assert (products == 16 * np.eye(15)).all()


# Values of the four arms of two switches
VALUES = {"none of them": 10.0, "a": 14.0, "b": 11.0, "a + b": 19.0}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("main effect of a", ((14 - 10) + (19 - 11)) / 2),
        ("main effect of b", ((11 - 10) + (19 - 14)) / 2),
        ("interaction of a and b", ((19 - 11) - (14 - 10)) / 2),
        ("a, left out of all", 19 - 11),
        ("a, added to none", 14 - 10),
        ("Shapley share of a", ((14 - 10) + (19 - 11)) / 2),
        ("Shapley share of b", ((11 - 10) + (19 - 14)) / 2),
    ],
)
def test_effects_of_two_switches_by_hand(name, expected):
    assert sum(weight * VALUES[arm] for arm, weight in effect_weights(TWO)[name].items()) == pytest.approx(expected)


def average_over_orders(values, name):
    """Shapley's definition: the gain of turning the switch on, averaged over all orders of turning them on."""
    gains = []
    for order in itertools.permutations(FIVE):
        before = order[: order.index(name)]
        gains.append(values[arm_name(FIVE, (*before, name))] - values[arm_name(FIVE, before)])
    return sum(gains) / len(gains)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=32, max_size=32))
def test_shapley_shares_are_means_over_all_orders_and_sum_to_the_whole(drawn):
    values = dict(zip((arm_name(FIVE, chosen) for chosen in subsets(FIVE)), drawn, strict=True))
    weights = effect_weights(FIVE)
    shares = {
        name: sum(weight * values[arm] for arm, weight in weights[f"Shapley share of {name}"].items()) for name in FIVE
    }
    for name, share in shares.items():
        assert share == pytest.approx(average_over_orders(values, name), abs=1e-9)
    total = values["A + B + C + D + E"] - values["none of them"]
    assert math.fsum(shares.values()) == pytest.approx(total, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDE"), st.floats(-9, 9)), st.floats(-9, 9))
def test_effects_of_additive_gains_are_the_gains(gains, start):
    values = {arm_name(FIVE, chosen): start + sum(gains.get(name, 0.0) for name in chosen) for chosen in subsets(FIVE)}
    for name, weights in effect_weights(FIVE).items():
        effect = sum(weight * values[arm] for arm, weight in weights.items())
        coefficient = next((gains.get(letter, 0.0) for letter in "ABCDE" if letter in name.replace("Shapley", "")), 0.0)
        assert effect == pytest.approx(0.0 if "interaction" in name else coefficient, abs=1e-9)


def test_arms_are_repeated_with_a_rate_of_their_own():
    arms = {"relu": {}, "tanh": {"activation": "tanh"}}
    own_arms = {"relu, own rate": {}, "tanh, own rate": {"activation": "tanh"}}
    assert designs.own_rate_arms(arms) == own_arms
    assert designs.rate_tuning(arms).arms == tuple(own_arms)


def test_the_slope_is_that_of_a_regression():
    """A line with a slope of 0.3 through uneven positions; scipy.stats.linregress gives the same."""
    positions = {"a": 5.0, "b": 6.0, "c": 8.0}
    weights = designs.slope(positions)
    assert sum(weights.values()) == pytest.approx(0)
    assert sum(weight * (2 + 0.3 * positions[arm]) for arm, weight in weights.items()) == pytest.approx(0.3)
