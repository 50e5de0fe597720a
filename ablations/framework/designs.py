"""Experimental designs: arms of studies with several switches, effects as weighted sums of arms, common contrasts.

A design starts from one declaration, {name: Switch(on, off)}. An arm is named by the switches that are on in it.
"""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from statistics import fmean

from ablations.framework.study import Levels, Switch, Tuning

Switches = Mapping[str, Switch]
Weights = dict[str, float]  # weight of each arm of a full factorial, by the arm's name
ALL_OFF = "none of them"
LEARNING_RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)

# The four-layer network for CIFAR-10 of Krizhevsky et al. 2012, figure 1 and section 3.3, as it was fed and trained
KRIZHEVSKY_CIFAR: Levels = {
    "layout": "four-layer",
    "inputs": "pixels",
    "initial": "four-layer",
    "optimiser": "sgd",
    "learning_rate": 0.001,
}
# The same network fed and initialised as all others are: pixels in -1 to 1 and weights scaled to the activation, both,
# because such weights want inputs of unit size
SCALED: Levels = {"inputs": "scaled", "initial": "scaled"}


def arm_name(switches: Switches, on: Collection[str]) -> str:
    """Return the name of the arm with these switches on."""
    return " + ".join(name for name in switches if name in on) or ALL_OFF


def full_factorial(switches: Switches) -> dict[str, Levels]:
    """Return all 2^k combinations; the one with all switches on is the baseline.

    Box, Hunter & Hunter (2005), chapter 5.
    """
    return _arms(switches, reversed(list(subsets(switches))))


def half_fraction(switches: Switches) -> dict[str, Levels]:
    """Return half of the combinations: those with an even number of switches off.

    With five switches the resolution is V: no main effect or two-way interaction is confounded with another. Box,
    Hunter & Hunter (2005), section 6.5.
    """
    even = [on for on in subsets(switches) if (len(switches) - len(on)) % 2 == 0]
    return _arms(switches, reversed(even))


def one_at_a_time(switches: Switches, on: Collection[str]) -> dict[str, Levels]:
    """Return the arm with these switches on, and every arm that differs from it by one switch."""
    return _arms(switches, [tuple(on), *(tuple(set(on) ^ {name}) for name in switches)])


def leave_one_out(switches: Switches) -> dict[str, Levels]:
    """Return the arm with all switches on, and every arm with one of them off."""
    return one_at_a_time(switches, tuple(switches))


def add_one_in(switches: Switches) -> dict[str, Levels]:
    """Return the arm with all switches off, and every arm with one of them on."""
    return one_at_a_time(switches, ())


def subsets(names: Collection[str]) -> Iterable[tuple[str, ...]]:
    """Return all subsets of the names, smallest first."""
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(len(names) + 1))


def _arms(switches: Switches, combinations: Iterable[Collection[str]]) -> dict[str, Levels]:
    return {
        arm_name(switches, on): {
            factor: level
            for name, switch in switches.items()
            for factor, level in (switch.on if name in on else switch.off).items()
        }
        for on in combinations
    }


def effect_weights(switches: Switches) -> dict[str, Weights]:
    """Return the effects of a full factorial as weighted sums of arms, for `Study.combinations`.

    The effects, by name: every main effect, every two-way interaction, and for each switch its Shapley share, the
    effect of turning it off with all others on, and the effect of turning it on with all others off.
    """
    effects = {main_effect(name): _contrast(switches, (name,)) for name in switches}
    effects |= {interaction(a, b): _contrast(switches, (a, b)) for a, b in itertools.combinations(switches, 2)}
    for name in switches:
        other_names = tuple(other for other in switches if other != name)
        effects[left_out(name)] = {arm_name(switches, switches): 1.0, arm_name(switches, other_names): -1.0}
        effects[added_in(name)] = {arm_name(switches, (name,)): 1.0, arm_name(switches, ()): -1.0}
        effects[shapley_share(name)] = _shapley(switches, name)
    return effects


def main_effect(name: str) -> str:
    """Return the name of the switch's main effect."""
    return f"main effect of {name}"


def interaction(first: str, second: str) -> str:
    """Return the name of the interaction of two switches."""
    return f"interaction of {first} and {second}"


def left_out(name: str) -> str:
    """Return the name of the effect of turning the switch off with all others on."""
    return f"{name}, left out of all"


def added_in(name: str) -> str:
    """Return the name of the effect of turning the switch on with all others off."""
    return f"{name}, added to none"


def shapley_share(name: str) -> str:
    """Return the name of the switch's Shapley share."""
    return f"Shapley share of {name}"


def _contrast(switches: Switches, names: Collection[str]) -> Weights:
    """Mean of the arms with a sign product of +1 over the named switches, minus the mean of those with -1.

    An interaction is therefore half the difference between one switch's effects at the two levels of the other. Box,
    Hunter & Hunter (2005), section 5.5.
    """
    half = 2 ** (len(switches) - 1)
    return {arm_name(switches, on): (-1) ** len(set(names) - set(on)) / half for on in subsets(switches)}


def _shapley(switches: Switches, name: str) -> Weights:
    """Effect of turning the switch on, averaged over all orders of turning the switches on (Shapley 1953).

    The shares of all switches sum to the difference between all on and all off.
    """
    weights: Weights = {}
    count, other_names = len(switches), [other for other in switches if other != name]
    for on in subsets(other_names):
        share = math.factorial(len(on)) * math.factorial(count - len(on) - 1) / math.factorial(count)
        weights[arm_name(switches, (*on, name))] = share
        weights[arm_name(switches, on)] = -share
    return weights


def slope(positions: Mapping[str, float]) -> Weights:
    """Return the weights of arms that give the least-squares slope over their positions, for `Study.combinations`.

    Taken seed by seed, the slope is that of a regression with seeds as blocks.
    """
    mean = fmean(positions.values())
    scatter = math.fsum((position - mean) ** 2 for position in positions.values())
    return {arm: (position - mean) / scatter for arm, position in positions.items()}


def own_rate_arm(arm: str) -> str:
    """Return the name of the arm trained at its own best learning rate."""
    return f"{arm}, own rate"


def own_rate_arms(arms: Mapping[str, Levels]) -> dict[str, Levels]:
    """Return copies of the arms, to be trained at their own best learning rates by `rate_tuning`."""
    return {own_rate_arm(arm): levels for arm, levels in arms.items()}


def rate_tuning(arms: Mapping[str, Levels]) -> Tuning:
    """Return the tuning of the arms that `own_rate_arms` made."""
    return Tuning("learning_rate", LEARNING_RATES, tuple(map(own_rate_arm, arms)))
