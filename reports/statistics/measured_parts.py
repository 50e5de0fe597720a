"""Parts of claims with their measurements and tests, and robustness checks compared with the stated parts."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

from ablations import Contrast
from ablations.framework.claim import Part, compared_names
from reports.statistics import paired_tests
from reports.statistics.multiple_testing import PartTest, correct_family, holm
from reports.statistics.outcomes import CheckResult, Outcome
from reports.statistics.paired_tests import ALPHA, PairedTest
from reports.statistics.pairs import Arms, Design, Pairs, collect_pairs, have_same_sources, subtract_differences
from reports.statistics.part_verdicts import judge_contrast, judge_count, refuse, run_test


class MeasuredPart(NamedTuple):
    """A part of a claim, measured and tested.

    Attributes:
        part: The part.
        arms: Observations of its metric in its study.
        pairs: Pairs of a contrast; empty for a count.
        test: Test of the pairs; without a p for a count, and where devices are mixed.
        devices: The devices whose records are mixed, if that keeps the part from being judged.
    """

    part: Part
    arms: Arms
    pairs: Pairs = Pairs((), ())
    test: PairedTest = PairedTest()
    devices: tuple[str, ...] = ()

    @property
    def trials(self) -> tuple[str, ...]:
        """Identities of the jobs that measured the part."""
        return self.pairs.trials if isinstance(self.part, Contrast) else judge_count(self.part, self.arms).trials

    def withdraw_if_mixed(self, devices: tuple[str, ...]) -> Self:
        """Withdraw the test where devices are mixed."""
        return self._replace(test=PairedTest(), devices=devices) if devices else self

    def part_test(self) -> PartTest:
        """The part's entry in its family of tests."""
        part, test = self.part, self.test
        assert isinstance(part, Contrast)
        sources = frozenset(self.pairs.sources.items()) or id(part)  # a part without measurements equals no other
        way = 1 if ((test.estimate or 0) > 0) == (part.direction == "higher") else -1
        key = part.metric, part.direction, part.ratio, sources
        return PartTest(key, test.p_value, 0 if part.direction == "equal" else way)

    def judge(self, p_holm: float | None) -> Outcome:
        """Judge the part by its corrected p."""
        if isinstance(self.part, Contrast):
            outcome = judge_contrast(self.part, self.pairs, self.test, p_holm)
        else:
            outcome = judge_count(self.part, self.arms)
        return refuse(outcome, self.devices) if self.devices else outcome


class Check(NamedTuple):
    """A robustness check, with the stated part that it is compared with.

    Attributes:
        name: Name of its setting.
        measured: The check.
        stated: The stated part, or None.
        stated_p: The stated part's p after Holm's correction.
    """

    name: str
    measured: MeasuredPart
    stated: MeasuredPart | None = None
    stated_p: float | None = None

    @property
    def is_same_trials(self) -> bool:
        """Whether its trials are those of the stated part."""
        return self.stated is not None and have_same_sources(self.measured.pairs, self.stated.pairs)

    @property
    def is_tested(self) -> bool:
        """Whether it enters the family of robustness checks."""
        return isinstance(self.measured.part, Contrast) and not self.is_same_trials

    def test_interaction(self) -> PairedTest:
        """Test whether its differences are those of the stated part; without a p where they cannot be compared."""
        check, stated = self.measured, self.stated
        if stated is None or not self.is_tested or check.devices or stated.devices:
            return PairedTest()
        if check.pairs.censored or stated.pairs.censored or not (check.pairs.testable and stated.pairs.testable):
            return PairedTest()
        return paired_tests.t_test(subtract_differences(check.pairs, stated.pairs))


def find_counterpart(check: MeasuredPart, stated: Sequence[MeasuredPart]) -> int | None:
    """Index of the stated part that a robustness check varies.

    It is the only one of the same metric and scale; of several the first one whose arm the check's arm is named after.
    """
    alike = [
        index
        for index, measured in enumerate(stated)
        if isinstance(check.part, Contrast) and isinstance(measured.part, Contrast)
        if (measured.part.metric, measured.part.ratio) == (check.part.metric, check.part.ratio)
    ]
    named = [index for index in alike if check.part.arm.startswith(stated[index].part.arm)]
    return next(iter(alike if len(alike) == 1 else named), None)


def judge_checks(checks: Sequence[Check]) -> list[CheckResult]:
    """Judge robustness checks, each by itself: Holm's correction runs over all checks, and over all interactions.

    A check of the stated part's own trials takes over its outcome, and is not tested again.
    """
    tested = [index for index, check in enumerate(checks) if check.is_tested]
    corrected = correct_family([[checks[index].measured.part_test()] for index in tested])
    p_holm = {index: p for index, (p,) in zip(tested, corrected, strict=True)}
    interactions = [check.test_interaction() for check in checks]
    distinct = {test: test.p_value for test in interactions if test.p_value is not None}
    p_by_interaction = dict(zip(distinct, holm(list(distinct.values())), strict=True))
    return [
        _judge_check(check, p_holm.get(index), interaction, p_by_interaction.get(interaction, 1.0))
        for index, (check, interaction) in enumerate(zip(checks, interactions, strict=True))
    ]


def _judge_check(check: Check, p_holm: float | None, interaction: PairedTest, interaction_p: float) -> CheckResult:
    part = check.measured.part
    if check.is_same_trials and check.stated is not None:
        outcome = check.stated._replace(part=part).judge(check.stated_p)
        return CheckResult(check.name, outcome, is_same_trials=True)
    outcome = check.measured.judge(p_holm)
    if interaction.estimate is None or interaction.interval is None:
        return CheckResult(check.name, outcome)
    scale = math.exp if isinstance(part, Contrast) and part.ratio else float
    low, high = interaction.interval
    shown = scale(interaction.estimate), (scale(low), scale(high)), interaction_p
    return CheckResult(check.name, outcome, shown, interaction_p <= ALPHA)


def measure_part(part: Part, arms: Arms, design: Design, has_looks: bool) -> MeasuredPart:
    """Collect a part's pairs and test them.

    Args:
        part: The part.
        arms: Observations of its metric in its study.
        design: The study's design.
        has_looks: Whether the part has looks, if its study has and it rests on trials.
    """
    if not isinstance(part, Contrast):
        return MeasuredPart(part, arms)
    seeds = [design.requested_seeds[name] for name in compared_names(part) if name in design.requested_seeds]
    trained = any(value.trained for name in compared_names(part) for value in arms.get(name, {}).values())
    interim = has_looks and trained and bool(seeds)
    pairs = collect_pairs(part, arms, min(seeds) if interim else design.fixed_pairs, interim)
    return MeasuredPart(part, arms, pairs, run_test(part, pairs, arms, design))
