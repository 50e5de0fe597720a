"""Outcome of one part of a claim: a verdict, the code of its reason, and the numbers that they rest on."""

from dataclasses import dataclass
from typing import Literal

from ablations import Contrast, Exact, Requires
from reports.statistics.paired_tests import Interval, Method

Reason = Literal[  # why a part has its verdict; `reports.text.reasons` has a sentence for each
    "not_counted", "count_as_claimed", "count_not_as_claimed", "not_measured", "devices_mixed", "machine_busy",
    "before_first_analysis", "one_pair", "two_pairs_equal", "too_few_for_interval", "too_few_reached",
    "margin_reached", "margin_reached_against_claim", "beyond_margin", "within_margin", "negligible_none_shown",
    "negligible_though_shown", "all_pairs_agree", "all_pairs_disagree_with_claim", "all_pairs_beyond_margin",
    "all_pairs_within_margin", "no_differences", "censored_may_reverse", "censored_may_exceed", "interval_too_wide",
    "may_be_chance", "across_margin", "below_margin", "nothing_shown",
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Result of judging one part of a claim.

    Estimate, intervals, margin and differences are in the unit of `part_unit`: points for a difference of accuracies,
    gaps or shares, a factor for a ratio, else the metric's own unit. They are arm minus reference, or arm over
    reference, whatever the claim's direction. For an `Exact`, and where the pairs leave no spread, intervals and p
    values are None.

    Attributes:
        part: The part that was judged.
        verdict: One of `claim_verdicts.VERDICTS`.
        reason: Code of the verdict's reason.
        estimate: Mean difference, geometric mean ratio, or count; of timings the median difference or ratio.
        interval: 95 % interval; a repeated confidence interval where there are looks.
        ninety: 90 % interval, likewise.
        margin: Smallest difference that matters.
        pairs: Number of pairs.
        p_value: Two-sided, against a difference of zero.
        method: The test that p and the intervals come from.
        p_holm: The same after Holm's correction over the family, and times the number of the claim's parts where the
            difference goes against the claim.
        sign_flip_p: Two-sided, of the sign-flip test.
        effect_size: Cohen's d_z; of the logarithms for a ratio.
        improvement: Share of pairs with a difference in the claimed direction, ties counted as one half; for an
            equivalence, with a positive difference.
        correlation: Pearson's r across the pairs.
        needed: Number of pairs for a power of 0.8, without correction: to distinguish an effect as large as the margin
            from zero; for an equivalence, to show it if the arms do not differ.
        censored: Number of values not reached within the budget.
        missing: Number of pairs that failed or were not run.
        diverged: Number of trials among the pairs that diverged, and count with their accuracy at chance.
        interim_analysis, waiting: See `Pairs`.
        differences: Shape (pairs,).
        trials: Identities of the jobs that measured the values.
        devices: The devices whose records the claim mixes, if that is the reason.
    """

    part: Contrast | Exact
    verdict: str
    reason: Reason
    estimate: float | None = None
    interval: Interval | None = None
    ninety: Interval | None = None
    margin: float | None = None
    pairs: int = 0
    p_value: float | None = None
    method: Method = "t test"
    p_holm: float | None = None
    sign_flip_p: float | None = None
    effect_size: float | None = None
    improvement: float | None = None
    correlation: float | None = None
    needed: int | None = None
    censored: int = 0
    missing: int = 0
    diverged: int = 0
    interim_analysis: int | None = None
    waiting: int = 0
    differences: tuple[float, ...] = ()
    trials: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """Result of a precondition.

    Attributes:
        requires: The precondition.
        value: Mean over the arm's trials, in the unit that reports show; None where nothing was measured.
        is_met: Whether the mean reaches the bound; None where nothing was measured.
    """

    requires: Requires
    value: float | None = None
    is_met: bool | None = None


@dataclass(frozen=True)
class CheckResult:
    """Result of a robustness check.

    Attributes:
        name: Name of its setting.
        outcome: The check judged by itself.
        interaction: Mean difference between the paired differences of the check and those of the stated setting (a
            factor for ratios), its 95 % interval, and its p after Holm's correction; None where they cannot be paired
            or leave no spread.
        differs: Whether the check is shown to differ from the stated setting.
        is_same_trials: Whether its trials are those of the stated setting, so that nothing is tested twice.
    """

    name: str
    outcome: Outcome
    interaction: tuple[float, Interval, float] | None = None
    differs: bool = False
    is_same_trials: bool = False
