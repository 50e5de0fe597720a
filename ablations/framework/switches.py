"""Switches as a study file declares them: checks, and the levels of arms."""

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

from ablations.framework.effects import ALL_OFF, ALL_ON, JOINT, arm_name
from ablations.framework.study import Levels, Switch
from bench.spec.errors import InputError

Switches = Mapping[str, Switch]


def check_switches(design: str, switches: Switches, least: int, most: int) -> None:
    """Raise InputError unless a design can be made of the switches.

    Args:
        design: The design, for messages.
        switches: The switches by name.
        least: Smallest number of switches.
        most: Largest number.
    """
    for name, switch in switches.items():
        if not isinstance(switch, Switch) or not all(isinstance(levels, dict) for levels in (switch.on, switch.off)):
            example = 'Switch(on={"skip": True}, off={"skip": False})'
            raise InputError(f"switch {name!r} is {switch!r}: write {example}, with the levels of your factor")
        if not isinstance(name, str) or not name.strip() or JOINT in name or name in (ALL_OFF, ALL_ON):
            raise InputError(f"switch {name!r} needs another name, without {JOINT!r}: arms are named by their switches")
        if switch.on == switch.off:
            raise InputError(f"switch {name!r} changes nothing: on and off are both {switch.on!r}")
    for (name, switch), (other_name, other) in combinations(switches.items(), 2):
        if shared := sorted({*switch.on, *switch.off} & {*other.on, *other.off}):
            raise InputError(f"switches {name!r} and {other_name!r} both set {shared[0]!r}: give each its own factors")
    if not least <= len(switches) <= most:
        advice = "; full_factorial, half_fraction and leave_one_out suit 2 to 4, 5, and more" * (len(switches) > most)
        raise InputError(f"{design} needs {least} to {most} switches, and there are {len(switches)}{advice}")


def make_arms(switches: Switches, on_sets: Iterable[Collection[str]]) -> dict[str, Levels]:
    """Return an arm for each set of switches that are on, named by them."""
    return {arm_name(switches, on): switch_levels(switches, on) for on in on_sets}


def switch_levels(switches: Switches, on: Collection[str]) -> Levels:
    """Return the levels of the arm with these switches on."""
    return {
        factor: level
        for name, switch in switches.items()
        for factor, level in (switch.on if name in on else switch.off).items()
    }
