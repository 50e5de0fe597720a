"""The rules that give one part of a claim its verdict."""

import math

from ablations import Contrast, Exact
from ablations.framework.seeds import TIMED
from bench.metrics.table import describe_metric
from reports.statistics import factorial, paired_tests, power, sequential
from reports.statistics.outcomes import Outcome, Reason
from reports.statistics.paired_tests import ALPHA, PairedTest
from reports.statistics.pairs import Arms, Design, Pairs, job_identities, match_pairs

MIN_EQUAL_PAIRS = 3  # fewest equal differences that decide


def run_test(part: Contrast, pairs: Pairs, arms: Arms, design: Design) -> PairedTest:
    """Test the pairs: by an analysis of variance if the part is an effect of a factorial, else by their differences.

    Args:
        part: The contrast.
        pairs: Its pairs.
        arms: Observations of the part's metric.
        design: The study's design.
    """
    if design.switches and part.reference == 0 and pairs.testable and not part.ratio:
        factor = describe_metric(part.metric).factor
        values = {
            arm: {pair: value.value * factor for pair, value in by_pair.items() if pair in pairs.sources}
            for arm, by_pair in arms.items()
        }
        if test := factorial.analyse_effect(part.arm, design.switches, design.combinations, values):
            return test
    return run_paired_test(part, pairs)


def run_paired_test(part: Contrast, pairs: Pairs) -> PairedTest:
    """Test the differences of the pairs; before the first look and for a single pair the result is the mean alone."""
    if not pairs.testable:
        return PairedTest(paired_tests.t_test(pairs.differences).estimate)
    if paired_tests.standard_deviation(pairs.differences) is None:
        return paired_tests.sign_test(pairs.differences)
    if part.metric.startswith(TIMED):
        return paired_tests.signed_rank_test(pairs.differences)
    return (paired_tests if pairs.interim_analysis is None else sequential).t_test(pairs.differences)


def judge_contrast(part: Contrast, pairs: Pairs, test: PairedTest, p_holm: float | None) -> Outcome:
    """Judge a part that is estimated.

    Args:
        part: The contrast.
        pairs: Its pairs.
        test: Their test.
        p_holm: The test's p after Holm's correction; None if the pairs cannot be tested.
    """
    scale = _factor if part.ratio else float
    verdict, reason = decide(part, pairs, test, p_holm)
    return Outcome(
        part,
        verdict,
        reason,
        estimate=None if test.estimate is None else scale(test.estimate),
        interval=test.interval and (scale(test.interval[0]), scale(test.interval[1])),
        ninety=test.ninety and (scale(test.ninety[0]), scale(test.ninety[1])),
        margin=part.margin,
        pairs=len(pairs.arm),
        p_value=test.p_value,
        method=test.method,
        p_holm=p_holm,
        sign_flip_p=paired_tests.sign_flip_p(pairs.differences) if pairs.testable else None,
        effect_size=paired_tests.cohens_dz(pairs.differences),
        improvement=paired_tests.improvement_share([-d if part.direction == "lower" else d for d in pairs.differences]),
        correlation=paired_tests.pair_correlation(pairs.arm, pairs.reference),
        needed=_pairs_needed(part, pairs, test),
        censored=pairs.censored,
        missing=pairs.missing,
        diverged=pairs.diverged,
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

    A reason claims only what was tested: p is against a difference of zero, and only the estimate is compared with the
    margin.

    Args:
        part: The contrast.
        pairs: Its pairs.
        test: The test of their differences.
        p_holm: The test's p after Holm's correction; None if the pairs were not tested.

    Returns:
        (verdict, reason)
    """
    if test.estimate is None or p_holm is None:
        return _decide_untested(pairs)
    if test.method == "sign test":
        return _decide_without_spread(part, pairs, test.estimate, p_holm)
    if test.interval is None or test.ninety is None:
        return "underpowered", "too_few_for_interval"
    low, high = test.interval
    margin, is_equivalence, is_shown = margin_of(part), part.direction == "equal", p_holm <= ALPHA
    beyond = low > margin or high < -margin if is_equivalence else abs(test.estimate) >= margin
    if beyond and is_shown:
        reasons: tuple[Reason, ...] = ("margin_reached", "margin_reached_against_claim", "beyond_margin")
        return _decide_beyond_margin(part, pairs, test.estimate, reasons)
    if paired_tests.is_equivalent(test.ninety, margin):
        if pairs.censored:
            return "inconclusive", "censored_may_exceed"
        if is_equivalence:
            return "supported", "within_margin"
        return "negligible", "negligible_though_shown" if is_shown else "negligible_none_shown"
    if (high - low) / 2 > margin:
        return "underpowered", "interval_too_wide"
    if beyond:
        return "inconclusive", "may_be_chance"
    if is_equivalence:
        return "inconclusive", "across_margin"
    return "inconclusive", "below_margin" if is_shown else "nothing_shown"


def _decide_without_spread(part: Contrast, pairs: Pairs, difference: float, p_holm: float) -> tuple[str, Reason]:
    """Decide where all differences are equal: by the sign test, and where its smallest p is too large by agreement."""
    if len(pairs.arm) < MIN_EQUAL_PAIRS:
        return "underpowered", "two_pairs_equal"
    is_equivalence, margin = part.direction == "equal", margin_of(part)
    if abs(difference) > margin if is_equivalence else abs(difference) >= margin:
        tested: tuple[Reason, ...] = ("margin_reached", "margin_reached_against_claim", "all_pairs_beyond_margin")
        agreed: tuple[Reason, ...] = ("all_pairs_agree", "all_pairs_disagree_with_claim", "all_pairs_beyond_margin")
        return _decide_beyond_margin(part, pairs, difference, tested if p_holm <= ALPHA else agreed)
    if pairs.censored:
        return "inconclusive", "censored_may_exceed"
    return (
        "supported" if is_equivalence else "negligible",
        "all_pairs_within_margin" if difference else "no_differences",
    )


def _decide_beyond_margin(
    part: Contrast, pairs: Pairs, difference: float, reasons: tuple[Reason, ...]
) -> tuple[str, Reason]:
    """Decide by the direction of a difference; `reasons` are for support, for refutation and for an equivalence."""
    supported, refuted, not_equal = reasons
    if (-1 if difference > 0 else 1) in pairs.open_directions:
        return "inconclusive", "censored_may_reverse"
    if part.direction == "equal":
        return "refuted", not_equal
    if (difference > 0) == (part.direction == "higher"):
        return "supported", supported
    return "refuted", refuted


def _decide_untested(pairs: Pairs) -> tuple[str, Reason]:
    if not pairs.fit:
        return "inconclusive", "machine_busy"
    if pairs.interim_analysis == 0 and pairs.arm:
        return "underpowered", "before_first_analysis"
    if pairs.unreached:
        return "inconclusive", "too_few_reached"
    return ("underpowered", "one_pair") if pairs.arm else ("not run", "not_measured")


def _pairs_needed(part: Contrast, pairs: Pairs, test: PairedTest) -> int | None:
    deviation = test.deviation or paired_tests.standard_deviation(pairs.differences)
    pairs_needed = power.pairs_to_equate if part.direction == "equal" else power.pairs_to_detect
    return None if deviation is None else pairs_needed(deviation, margin_of(part))


def margin_of(part: Contrast) -> float:
    """The part's margin on the scale of the differences: a logarithm for a ratio."""
    return math.log(part.margin) if part.ratio else part.margin


def _factor(logarithm: float) -> float:
    return math.exp(max(-700.0, min(logarithm, 700.0)))  # the interval of two very different pairs would overflow
