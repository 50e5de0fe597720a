"""Effects of switches as weighted sums of the arms of a full factorial or of its half, for `Study.combinations`.

An arm is named by the switches that are on in it.
"""

import itertools
import math
from collections.abc import Collection, Iterable

Weights = dict[str, float]  # weight of each arm, by the arm's name
ALL_OFF, ALL_ON, JOINT = "none of them", "all of them", " + "


def arm_name(switches: Iterable[str], on: Collection[str]) -> str:
    """Return the name of the arm with these switches on."""
    return JOINT.join(name for name in switches if name in on) or ALL_OFF


def subsets(names: Collection[str]) -> Iterable[tuple[str, ...]]:
    """Return all subsets of the names, smallest first."""
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(len(names) + 1))


def half_subsets(names: Collection[str]) -> list[tuple[str, ...]]:
    """Return the subsets that leave out an even number of the names, smallest first."""
    return [on for on in subsets(names) if (len(names) - len(on)) % 2 == 0]


def full_effects(switches: Collection[str]) -> dict[str, Weights]:
    """Return the effects that a full factorial estimates, by name.

    They are every main effect, every two-way interaction, and for each switch its Shapley share, the effect of turning
    it off with all others on, and the effect of turning it on with all others off.
    """
    effects = signed_effects(switches, list(subsets(switches)), interactions=True)
    for name in switches:
        other_names = tuple(other for other in switches if other != name)
        effects[left_out(name)] = {arm_name(switches, switches): 1.0, arm_name(switches, other_names): -1.0}
        effects[added_in(name)] = {arm_name(switches, (name,)): 1.0, arm_name(switches, ()): -1.0}
        effects[shapley_share(name)] = _shapley(switches, name)
    return effects


def signed_effects(
    switches: Collection[str], combinations: Collection[Collection[str]], interactions: bool
) -> dict[str, Weights]:
    """Return the main effects and the two-way interactions, by name, as differences between halves of the arms.

    An effect is the mean of the arms with a sign product of +1 over its switches, less the mean of those with -1. An
    interaction is therefore half the difference between one switch's effects at the two levels of the other. Box,
    Hunter & Hunter (2005), section 5.5.

    Args:
        switches: Names of all switches.
        combinations: The arms: names of the switches that are on.
        interactions: Whether the arms tell interactions apart.
    """
    effects: dict[str, tuple[str, ...]] = {main_effect(name): (name,) for name in switches}
    if interactions:
        effects |= {interaction(*pair): pair for pair in itertools.combinations(switches, 2)}
    half = len(combinations) // 2
    return {
        effect: {arm_name(switches, on): (-1) ** len(set(names) - set(on)) / half for on in combinations}
        for effect, names in effects.items()
    }


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


def _shapley(switches: Collection[str], name: str) -> Weights:
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
