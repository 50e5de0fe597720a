import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations import Contrast, Study, Switch
from ablations.framework import designs, effects
from ablations.framework.designs import full_factorial, half_fraction
from ablations.framework.effects import arm_name, full_effects, subsets
from bench.spec.errors import InputError

FIVE = {name: Switch(on={name: 1}, off={name: 0}) for name in "ABCDE"}
TWO = {"a": Switch(on={"x": 1}, off={"x": 0}), "b": Switch(on={"y": 1}, off={})}


def switched_on(name):
    return set() if name == effects.ALL_OFF else set(name.split(" + "))


def test_a_full_factorial_has_every_combination_and_begins_with_all_on():
    assert full_factorial(TWO, margin=1)["arms"] == {
        "a + b": {"x": 1, "y": 1},
        "b": {"x": 0, "y": 1},
        "a": {"x": 1},
        "none of them": {"x": 0},
    }
    assert len(full_factorial(FIVE, margin=1)["arms"]) == 32


def test_a_full_factorial_claims_main_effects_and_checks_them_beside_all_and_alone():
    design = full_factorial({"Batch norm": FIVE["A"], "skip": FIVE["B"]}, margin=0.5, prefix="mine-")
    norm, skip = design["claims"]
    assert (norm.id, norm.sentence) == ("mine-batch-norm", "Batch norm raises test accuracy")
    assert (skip.id, skip.sentence) == ("mine-skip", "Skip raises test accuracy")
    assert skip.stated == (Contrast("test/accuracy", "main effect of skip", 0.0, margin=0.5),)
    assert [part.arm for part in skip.beyond.values()] == ["skip, left out of all", "skip, added to none"]
    assert design["switches"].keys() == {"Batch norm", "skip"} and "Shapley share of skip" in design["combinations"]


def test_half_of_a_factorial_claims_what_its_arms_estimate():
    """With five switches: 5 main effects and 10 interactions over all 16 arms. With four, no interaction is clear."""
    four = {name: FIVE[name] for name in "ABCD"}
    five, small = (half_fraction(switches, margin=1)["combinations"] for switches in (FIVE, four))
    assert len(five) == 15 and {len(weights) for weights in five.values()} == {16}
    assert list(small) == [f"main effect of {name}" for name in "ABCD"]
    assert [claim.stated[0].arm for claim in half_fraction(four, margin=1)["claims"]] == list(small)


def test_leaving_out_and_adding_in_compare_one_switch_at_a_time():
    design = designs.leave_one_out(TWO, margin=0.1, metric="test/loss", direction="lower")
    assert design["arms"] == {"all of them": {"x": 1, "y": 1}, "all but a": {"x": 0, "y": 1}, "all but b": {"x": 1}}
    (first, _) = design["claims"]
    assert first.stated == (Contrast("test/loss", "all of them", "all but a", margin=0.1, direction="lower"),)
    assert first.sentence == "A lowers test loss" and "switches" not in design  # so that its arms have looks
    design = designs.add_one_in(TWO, margin=1)
    assert design["arms"] == {"none of them": {"x": 0}, "a": {"x": 1}, "b": {"x": 0, "y": 1}}
    assert design["claims"][1].stated == (Contrast("test/accuracy", "b", "none of them", margin=1),)


@pytest.mark.parametrize(
    "design, switches, message",
    [
        (full_factorial, {"a": FIVE["A"]}, "a full factorial needs 2 to 10 switches, and there are 1"),
        (full_factorial, dict.fromkeys("abcdefghijk", Switch({}, {"x": 1})), "both set 'x': give each its own factors"),
        (half_fraction, TWO, "a half fraction needs 3 to 11 switches, and there are 2"),
        (full_factorial, {"a": Switch({"x": 1}, {"x": 1})}, "switch 'a' changes nothing: on and off are both {'x': 1}"),
        (full_factorial, {"a + b": FIVE["A"]}, "switch 'a + b' needs another name, without ' + '"),
        (full_factorial, {"a": True}, "switch 'a' is True: write Switch("),
        (designs.leave_one_out, {"a": Switch("relu", "tanh")}, "switch 'a' is Switch(on='relu', off='tanh'): write"),
        (designs.add_one_in, {}, "add-one-in needs 1 to 100 switches, and there are 0"),
    ],
)
def test_switches_that_make_no_design_are_refused(design, switches, message):
    with pytest.raises(InputError) as caught:
        design(switches, margin=1)
    assert message in str(caught.value)


def test_too_many_switches_are_refused_with_the_design_that_suits_them():
    many = {f"s{n}": Switch({f"f{n}": 1}, {}) for n in range(11)}
    with pytest.raises(InputError, match="full_factorial, half_fraction and leave_one_out suit 2 to 4, 5, and more"):
        full_factorial(many, margin=1)
    study = Study("?", **designs.leave_one_out(many, margin=1))
    assert len(study.arms) == 12 and len(study.claims) == 11


def test_the_half_fraction_of_five_confounds_no_main_effect_or_interaction_with_another():
    """Resolution V: the columns of signs of all main effects and two-way interactions are orthogonal."""
    arms = half_fraction(FIVE, margin=1)["arms"]
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
    assert sum(weight * VALUES[arm] for arm, weight in full_effects(TWO)[name].items()) == pytest.approx(expected)


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
    weights = full_effects(FIVE)
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
    for name, weights in full_effects(FIVE).items():
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
