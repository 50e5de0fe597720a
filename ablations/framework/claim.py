"""A claim and its rule, as a study declares it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.spec.errors import InputError

METRICS = re.compile(
    r"(train|validation|test)/(accuracy|loss)|test/(top5|ten_crop/(accuracy|top5))|gap/accuracy|batch/loss|memory/peak_mb"
    r"|speed/(images_per_second|step_ms_p50|step_ms_p95|steps_to_train_error_25)"
    r"|sparsity/(zeros|hoyer|treves_rolls|dead)/\w+|(parameters|macs)/\w+|time/.+"
    r"|(masks|networks)/(accuracy|loss|calibration_error)|features/(correlation|rank)/\w+|competition/contrast|activity/above/[\d.]+"
    r"|gradient/(norm_ratio/\w+|first_to_last/(start|epoch_1|epoch_5|end))"
)


@dataclass(frozen=True)
class Contrast:
    """An arm against a reference, paired by seed (or by round, for timings), and the margin that matters.

    metric: as recorded, e.g. 'test/accuracy'. arm, reference: an arm's name, or that of what a probe answers; the
        reference can be a constant in the metric's own unit. ratio: the arm's value over the reference's, not less it.
    margin: in the unit that reports show: points for accuracies and shares, a factor above 1 where ratio is set.
    direction: 'higher' or 'lower', as the claim has it: supported where the mean difference reaches the margin and p,
        of no difference and after Holm, is at most .05. Or 'equal': supported where the 90 % interval lies within the
        margin to either side.
    regime: where several are named and disagree, the verdict is conditional on `Claim.regimes`.
    """

    metric: str
    arm: str
    reference: str | float
    margin: float
    direction: str = "higher"
    ratio: bool = False
    regime: str = ""

    def __post_init__(self) -> None:
        if self.direction not in ("higher", "lower", "equal"):
            raise InputError(f"a contrast's direction is {self.direction!r}; it can be higher, lower, equal")
        if not self.margin > (1 if self.ratio else 0):
            raise InputError(f"a margin is {self.margin:g}: as a difference it must be above 0, as a ratio above 1")


@dataclass(frozen=True)
class Exact:
    """A number that is counted, not sampled: it holds when low <= value < high.

    The value is the arm's metric, divided by the reference arm's where one is named.
    """

    metric: str
    arm: str
    low: float
    high: float
    reference: str = ""
    regime: str = ""


@dataclass(frozen=True)
class Published:
    """A figure that somebody printed, to show beside ours: never decides. part: the index of ours in Claim.parts."""

    value: str
    source: str
    part: int = 0


@dataclass(frozen=True)
class Claim:
    """A sentence with its rule, fixed before the run: every part must hold, within each regime.

    primary: counts among the report's claims, over all of whose parts Holm's correction runs; controls do not.
    """

    id: str
    sentence: str
    parts: tuple[Contrast | Exact, ...]
    published: tuple[Published, ...] = ()
    regimes: str = ""
    primary: bool = True
    caveat: str = ""

    def __post_init__(self) -> None:
        if not self.parts or any(figure.part >= len(self.parts) for figure in self.published):
            raise InputError(
                f"claim {self.id}: it needs parts, and its published figures must name one of them by index"
            )
