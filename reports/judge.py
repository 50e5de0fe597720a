"""Claims and observations in, verdicts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ablations.study import Claim, Contrast, Exact

VERDICTS = ("supported", "refuted", "no effect", "underpowered", "inconclusive", "conditional", "not run")


@dataclass(frozen=True)
class Outcome:
    """What the observations say of one part of a claim.

    estimate, interval (95 %), ninety (90 %) and margin are in `unit`: points for accuracies, gaps and shares, a
    factor for ratios, the metric's own unit else. For an Exact, interval, ninety and p are None.
    pairs: how many; needed: pairs that would decide with power 0.8 an effect as large as the margin.
    censored: values that stand for 'not reached within the budget'. missing: pairs that diverged, failed or lack.
    """

    part: Contrast | Exact
    verdict: str
    reason: str
    unit: str
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    ninety: tuple[float, float] | None = None
    margin: float | None = None
    pairs: int = 0
    p_value: float | None = None
    p_holm: float | None = None
    sign_flip_p: float | None = None
    effect_size: float | None = None
    improvement: float | None = None
    correlation: float | None = None
    needed: int | None = None
    censored: int = 0
    missing: int = 0
    differences: tuple[float, ...] = ()
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict: `outcomes` has one for each part, `deciding` is the index of the one that decided."""

    study: str
    claim: Claim
    verdict: str
    reason: str
    outcomes: tuple[Outcome, ...]
    deciding: int = 0

    @property
    def main(self) -> Outcome:
        return self.outcomes[self.deciding]

    def as_json(self) -> dict[str, Any]: ...
