"""The rules that give one part of a claim its verdict."""

import math

from ablations import Contrast, Exact
from bench.metrics.table import describe_metric
from reports.statistics import effect_size, paired_tests, power
from reports.statistics.outcomes import Outcome, Reason
from reports.statistics.paired_tests import PairedTest
from reports.statistics.pairs import Arms, Pairs, job_identities, match_pairs


def judge_contrast(part: Contrast, pairs: Pairs, p_value: float | None, p_holm: float | None) -> Outcome:
    """Judge a part that is estimated.

    Args:
        part: The contrast.
        pairs: Its pairs.
        p_value: Two-sided p of the pairs' test; None if they cannot be tested.
        p_holm: The same after Holm's correction.
    """
    test, scale = pairs.t_test(), _factor if part.ratio else float
    verdict, reason = decide(part, pairs, test, p_holm)
    return Outcome(
        part,
        verdict,
        reason,
        estimate=None if test.mean is None else scale(test.mean),
        interval=test.interval and (scale(test.interval[0]), scale(test.interval[1])),
        ninety=test.ninety and (scale(test.ninety[0]), scale(test.ninety[1])),
        margin=part.margin,
        pairs=len(pairs.arm),
        p_value=p_value,
        p_holm=p_holm,
        sign_flip_p=paired_tests.sign_flip_p(pairs.differences) if pairs.testable else None,
        effect_size=effect_size.cohens_dz(pairs.differences),
        improvement=effect_size.improvement_share([-d if part.direction == "lower" else d for d in pairs.differences]),
        correlation=effect_size.pair_correlation(pairs.arm, pairs.reference),
        needed=_pairs_needed(part, pairs),
        censored=pairs.censored,
        missing=pairs.missing,
        interim_analysis=pairs.interim_analysis,
        waiting=pairs.waiting,
        differences=tuple(scale(d) for d in pairs.differences),
        trials=pairs.trials,
    )


def judge_count(part: Exact, arms: Arms) -> Outcome:
    """Judge a part that is counted: its bounds are in the stored unit, the estimate is in the unit shown."""
    matched = [(a, r) for a, r in match_pairs(part.arm, part.reference or 1, arms) if r.value]
    counts = [a.value / r.value for a, r in matched]
    if not counts:
        return Outcome(part, "not run", "not_counted")
    estimate = math.fsum(counts) / len(counts) * (1 if part.reference else describe_metric(part.metric).factor)
    holds = part.low <= min(counts) and max(counts) < part.high
    verdict = "supported" if holds else "refuted"
    reason: Reason = "count_as_claimed" if holds else "count_not_as_claimed"
    return Outcome(part, verdict, reason, estimate, pairs=len(counts), trials=job_identities(matched))


def refuse(outcome: Outcome, devices: tuple[str, ...]) -> Outcome:
    """Withdraw the verdict, and every number that suggests one, because the records mix devices."""
    part, margin, trials = outcome.part, outcome.margin, outcome.trials
    return Outcome(part, "not run", "devices_mixed", margin=margin, trials=trials, devices=devices)


def decide(part: Contrast, pairs: Pairs, test: PairedTest, p_holm: float | None) -> tuple[str, Reason]:
    """Decide by the first rule that fits.

    A reason claims only what was tested: p is against a difference of zero, and only the mean is compared with the
    margin.

    Args:
        part: The contrast.
        pairs: Its pairs.
        test: The test of their mean difference.
        p_holm: The test's p after Holm's correction; None if the pairs were not tested.

    Returns:
        (verdict, reason)
    """
    if test.mean is None or test.interval is None or test.ninety is None or p_holm is None:
        return _decide_untested(pairs)
    low, high = test.interval
    margin, is_equivalence = margin_of(part), part.direction == "equal"
    beyond = low > margin or high < -margin if is_equivalence else abs(test.mean) >= margin
    if beyond and p_holm <= paired_tests.ALPHA:
        return _decide_beyond_margin(part, pairs, test.mean)
    if paired_tests.is_equivalent(test.ninety, margin):
        if pairs.censored:
            return "inconclusive", "censored_may_exceed"
        return "supported" if is_equivalence else "no effect", "within_margin"
    if (high - low) / 2 > margin:
        return "underpowered", "interval_too_wide"
    if beyond:
        return "inconclusive", "may_be_chance"
    if is_equivalence:
        return "inconclusive", "across_margin"
    return "inconclusive", "below_margin" if p_holm <= paired_tests.ALPHA else "nothing_shown"


def _decide_beyond_margin(part: Contrast, pairs: Pairs, mean: float) -> tuple[str, Reason]:
    if (-1 if mean > 0 else 1) in pairs.open_directions:
        return "inconclusive", "censored_may_reverse"
    if part.direction == "equal":
        return "refuted", "beyond_margin"
    if (mean > 0) == (part.direction == "higher"):
        return "supported", "margin_reached"
    return "refuted", "margin_reached_against_claim"


def _decide_untested(pairs: Pairs) -> tuple[str, Reason]:
    if not pairs.fit:
        return "inconclusive", "machine_busy"
    if pairs.interim_analysis == 0 and pairs.arm:
        return "underpowered", "before_first_analysis"
    if len(pairs.arm) > 1:
        return "underpowered", "differences_equal"
    if pairs.unreached:
        return "inconclusive", "too_few_reached"
    return ("underpowered", "one_pair") if pairs.arm else ("not run", "not_measured")


def _pairs_needed(part: Contrast, pairs: Pairs) -> int | None:
    deviation = effect_size.standard_deviation(pairs.differences)
    pairs_needed = power.pairs_to_equate if part.direction == "equal" else power.pairs_to_detect
    return None if deviation is None else pairs_needed(deviation, margin_of(part))


def margin_of(part: Contrast) -> float:
    """The part's margin on the scale of the differences: a logarithm for a ratio."""
    return math.log(part.margin) if part.ratio else part.margin


def _factor(logarithm: float) -> float:
    return math.exp(min(logarithm, 700))  # the interval of two very different pairs would overflow
