"""Experimental designs: from switches to the arms and claims of a study; other contrasts that several studies share.

A design is one line of a study: `Study(question="...", **designs.full_factorial(SWITCHES, margin=0.5))`. `SWITCHES` is
{name: Switch(on, off)}, and each switch becomes a claim.
"""

import math
import re
from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple, TypedDict

from ablations.framework import effects
from ablations.framework.claim import Claim, Contrast
from ablations.framework.effects import ALL_OFF, ALL_ON, Weights
from ablations.framework.study import Levels, Tuning
from ablations.framework.switches import Switches, check_switches, make_arms, switch_levels
from bench.metrics.table import describe_metric
from bench.spec.fields import one_of

ACCURACY = "test/accuracy"
MAX_FACTORIAL, MAX_SINGLE = 10, 100  # switches; a factorial of ten has a thousand arms
RESOLUTION_V = 5  # switches of a half fraction that tells two-way interactions apart
VERBS = {"higher": "raises", "lower": "lowers", "equal": "does not change"}
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


class Design(TypedDict, total=False):
    """Fields of a `Study`."""

    arms: dict[str, Levels]
    claims: tuple[Claim, ...]
    switches: Switches
    combinations: dict[str, Weights]


class Aim(NamedTuple):
    """What a design claims of every switch; see `full_factorial`."""

    margin: float
    metric: str
    direction: str
    prefix: str

    def contrast(self, arm: str, reference: str | float = 0.0) -> Contrast:
        """Return the contrast of an arm or effect with an arm, or with zero."""
        return Contrast(self.metric, arm, reference, self.margin, self.direction)

    def claim(self, switch: str, setting: str, stated: Contrast, beyond: Mapping[str, Contrast] | None = None) -> Claim:
        """Return the claim about a switch, with its robustness checks by name."""
        one_of("a design's direction", self.direction, VERBS)
        slug = re.sub(r"\W+", "-", switch.lower()).strip("-") or switch
        label = describe_metric(self.metric).label.partition(" (")[0]
        sentence = f"{switch[0].upper()}{switch[1:]} {VERBS[self.direction]} {label}"
        return Claim(f"{self.prefix}{slug}", sentence, (stated,), setting, beyond=beyond or {})


def full_factorial(
    switches: Switches, *, margin: float, metric: str = ACCURACY, direction: str = "higher", prefix: str = ""
) -> Design:
    """Return all 2^k combinations of 2 to 10 switches, and a claim on the main effect of each.

    The combination with all switches on is the baseline. The effects of leaving a switch out of all and of adding it to
    none are robustness checks; Shapley shares and two-way interactions are in the report. Box, Hunter & Hunter (2005),
    chapter 5.

    Trials: (2^k + 2 controls) times the profile's seeds, which are fixed: 4 switches at `quick` make 18 x 5 = 90. As
    every trial counts for every claim, fewer seeds may do, such as `Study(seeds={"quick": 2}, ...)`.

    Args:
        switches: The switches by name.
        margin: The smallest effect that matters, in the unit that reports show: points for accuracies and shares.
        metric: Name of a recorded metric.
        direction: What a switch claims to do to the metric: 'higher', 'lower' or 'equal', as in a `Contrast`.
        prefix: Text before the id of each claim, which is the name of its switch in small letters.

    Raises:
        InputError: The switches are too few or too many, or one of them is invalid.
    """
    check_switches("a full factorial", switches, 2, MAX_FACTORIAL)
    aim = Aim(margin, metric, direction, prefix)
    claims = (
        aim.claim(
            name,
            "main effect over all combinations of the other switches",
            aim.contrast(effects.main_effect(name)),
            {
                "left out of all": aim.contrast(effects.left_out(name)),
                "added to none": aim.contrast(effects.added_in(name)),
            },
        )
        for name in switches
    )
    arms = make_arms(switches, reversed(list(effects.subsets(switches))))
    return {"arms": arms, "claims": tuple(claims), "switches": switches, "combinations": effects.full_effects(switches)}


def half_fraction(
    switches: Switches, *, margin: float, metric: str = ACCURACY, direction: str = "higher", prefix: str = ""
) -> Design:
    """Return half of the combinations of 3 to 11 switches, and a claim on the main effect of each.

    They have an even number of switches off; all on is the baseline. With five switches or more no main effect or
    two-way interaction is confounded with another. With four the interactions are confounded with each other, and with
    three with the main effects, too. Box, Hunter & Hunter (2005), section 6.5.

    Trials: (2^(k-1) + 2 controls) times the profile's seeds, which are fixed: 5 switches at `quick` make 18 x 5 = 90.
    The arguments are those of `full_factorial`.
    """
    check_switches("a half fraction", switches, 3, MAX_FACTORIAL + 1)
    aim = Aim(margin, metric, direction, prefix)
    on_sets = effects.half_subsets(switches)
    setting = "main effect over half of the combinations of all switches"
    return {
        "arms": make_arms(switches, reversed(on_sets)),
        "claims": tuple(aim.claim(name, setting, aim.contrast(effects.main_effect(name))) for name in switches),
        "switches": switches,
        "combinations": effects.signed_effects(switches, on_sets, interactions=len(switches) >= RESOLUTION_V),
    }


def leave_one_out(
    switches: Switches, *, margin: float, metric: str = ACCURACY, direction: str = "higher", prefix: str = ""
) -> Design:
    """Return the arm with all switches on, the baseline, and each arm with one off; a claim compares the two.

    Trials: k + 1 arms and 2 controls; the arms have looks at 3, 5, 8 and 12 seeds until their claims are decided.
    The arguments are those of `full_factorial`.
    """
    check_switches("leave-one-out", switches, 1, MAX_SINGLE)
    aim = Aim(margin, metric, direction, prefix)
    arms = {ALL_ON: switch_levels(switches, switches)}
    arms |= {f"all but {name}": switch_levels(switches, set(switches) - {name}) for name in switches}
    setting = "beside all other switches"
    claims = (aim.claim(name, setting, aim.contrast(ALL_ON, f"all but {name}")) for name in switches)
    return {"arms": arms, "claims": tuple(claims)}


def add_one_in(
    switches: Switches, *, margin: float, metric: str = ACCURACY, direction: str = "higher", prefix: str = ""
) -> Design:
    """Return the arm with all switches off, the baseline, and each arm with one on; a claim compares the two.

    Trials: k + 1 arms and 2 controls; the arms have looks at 3, 5, 8 and 12 seeds until their claims are decided.
    The arguments are those of `full_factorial`.
    """
    check_switches("add-one-in", switches, 1, MAX_SINGLE)
    aim = Aim(margin, metric, direction, prefix)
    arms = {ALL_OFF: switch_levels(switches, ()), **{name: switch_levels(switches, {name}) for name in switches}}
    claims = (aim.claim(name, "without the other switches", aim.contrast(name, ALL_OFF)) for name in switches)
    return {"arms": arms, "claims": tuple(claims)}


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
