"""Designs: which arms a study of several switches has, what their combinations mean, and patterns of claims.

A design is made of one declaration, {name: Switch(on, off)}. Its arms are named by the switches that are on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ablations.framework.claim import Contrast
from ablations.framework.study import Levels, Switch, Tuning

Switches = Mapping[str, Switch]
ALL_OFF = "none of them"
SHARED_RATE, OWN_RATE = "a shared learning rate", "its own learning rate"
LEARNING_RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)  # where a search for a learning rate begins


def arm_name(switches: Switches, on: Collection[str]) -> str:
    """The name of the arm with these switches on."""
    return " + ".join(name for name in switches if name in on) or ALL_OFF


def _switched_levels(switches: Switches, on: Collection[str]) -> Levels:
    return {k: v for name, switch in switches.items() for k, v in (switch.on if name in on else switch.off).items()}


def full_factorial(switches: Switches) -> dict[str, Levels]:
    """Every combination, 2^k arms; the one with all on is the baseline (Box, Hunter & Hunter 2005, chapter 5)."""
    return _arms(switches, reversed(list(subsets(switches))))


def half_fraction(switches: Switches) -> dict[str, Levels]:
    """Half of the combinations: the last switch is on where the product of the others' signs is +1. With five switches
    the resolution is V: no main effect or two-way interaction is confounded with another (Box, Hunter & Hunter 2005,
    section 6.5)."""
    even = [on for on in subsets(switches) if (len(switches) - len(on)) % 2 == 0]
    return _arms(switches, reversed(even))


def one_at_a_time(switches: Switches, on: Collection[str]) -> dict[str, Levels]:
    """The arm with these switches on, and every arm that differs from it by one switch."""
    return _arms(switches, [tuple(on), *(tuple(set(on) ^ {name}) for name in switches)])


def leave_one_out(switches: Switches) -> dict[str, Levels]:
    return one_at_a_time(switches, tuple(switches))


def add_one_in(switches: Switches) -> dict[str, Levels]:
    return one_at_a_time(switches, ())


def _arms(switches: Switches, chosen: Iterable[Collection[str]]) -> dict[str, Levels]:
    return {arm_name(switches, on): _switched_levels(switches, on) for on in chosen}


def subsets(names: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Smallest first."""
    names = tuple(names)
    return itertools.chain.from_iterable(itertools.combinations(names, size) for size in range(len(names) + 1))


# Combinations: weights of a full factorial's arms, by name


def effect_weights(switches: Switches) -> dict[str, dict[str, float]]:
    """Every main effect, two-way interaction, left-out and added-in gain and Shapley share, as weights of arms."""
    found = {main_effect(name): _main(switches, (name,)) for name in switches}
    found |= {interaction(a, b): _main(switches, (a, b)) for a, b in itertools.combinations(switches, 2)}
    for name in switches:
        others = tuple(other for other in switches if other != name)
        found[left_out(name)] = {arm_name(switches, switches): 1.0, arm_name(switches, others): -1.0}
        found[added_in(name)] = {arm_name(switches, (name,)): 1.0, arm_name(switches, ()): -1.0}
        found[shapley_share(name)] = _shapley(switches, name)
    return found


def main_effect(name: str) -> str:
    return f"main effect of {name}"


def interaction(one: str, other: str) -> str:
    return f"interaction of {one} and {other}"


def left_out(name: str) -> str:
    return f"{name}, left out of all"


def added_in(name: str) -> str:
    return f"{name}, added to none"


def shapley_share(name: str) -> str:
    return f"Shapley share of {name}"


def _main(switches: Switches, names: Collection[str]) -> dict[str, float]:
    """Mean where the product of the named switches' signs is +1 less the mean where it is -1 (Box, Hunter & Hunter
    2005, section 5.5: an interaction is half the difference between one's effects at the other's two levels)."""
    half = 2 ** (len(switches) - 1)
    return {arm_name(switches, on): (-1) ** len(set(names) - set(on)) / half for on in subsets(switches)}


def _shapley(switches: Switches, name: str) -> dict[str, float]:
    """What the switch adds, averaged over all orders in which the switches could be turned on (Shapley 1953). Over all
    switches the shares add up to the difference between all and none."""
    weights: dict[str, float] = {}
    count, others = len(switches), [other for other in switches if other != name]
    for on in subsets(others):
        share = math.factorial(len(on)) * math.factorial(count - len(on) - 1) / math.factorial(count)
        weights[arm_name(switches, (*on, name))] = share
        weights[arm_name(switches, on)] = -share
    return weights


# Patterns of arms and claims


def less_overfitting(arm: str, reference: str, *, gap: float, accuracy: float, regime: str) -> tuple[Contrast, ...]:
    """The arm's gap between training and test accuracy is smaller, and its test accuracy higher, each by at least so
    many points."""
    return (
        Contrast("gap/accuracy", arm, reference, margin=gap, direction="lower", regime=regime),
        Contrast("test/accuracy", arm, reference, margin=accuracy, regime=regime),
    )


def own_rate_arm(arm: str) -> str:
    """The name of the arm that has its own learning rate."""
    return f"{arm}, {OWN_RATE}"


def add_own_rate_arms(arms: Mapping[str, Levels], tuned: Mapping[str, str] | None = None) -> dict[str, Levels]:
    """The arms, which share the learning rate that is best for the baseline, and each but the baseline with its own.

    tuned: the arms that have one of their own, and of which arm it is the best; default: each of its own.
    """
    others = list(arms)[1:]
    return {**arms, **{own_rate_arm(arm): arms[arm] for arm in (others if tuned is None else tuned)}}


def learning_rate_tuning(arms: Mapping[str, Levels], tuned: Mapping[str, str] | None = None) -> Tuning:
    """The tuning that `with_own_rates` needs."""
    baseline, *others = arms
    takes = {arm: baseline for arm in arms}
    takes |= {own_rate_arm(arm): source for arm, source in (tuned or {arm: arm for arm in others}).items()}
    return Tuning("learning_rate", LEARNING_RATES, takes)


def contrasts_at_both_rates(
    metric: str, arm: str, reference: str, margin: float, **options: Any
) -> tuple[Contrast, Contrast]:
    """The contrast at the shared learning rate, and with each arm's own; the reference is the baseline, whose own the
    shared one is."""
    return (
        Contrast(metric, arm, reference, margin, regime=SHARED_RATE, **options),
        Contrast(metric, own_rate_arm(arm), reference, margin, regime=OWN_RATE, **options),
    )
