"""Verdicts on whole claims: preconditions first, stated parts joined by AND, robustness checks beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pandas as pd

from ablations import Claim, Contrast, Requires
from ablations.framework.claim import Part
from ablations.framework.seeds import TIMED
from bench.metrics.table import describe_metric
from reports.statistics.measured_parts import Check, MeasuredPart, find_counterpart, judge_checks, measure_part
from reports.statistics.multiple_testing import correct_family
from reports.statistics.outcomes import CheckResult, Outcome, Requirement
from reports.statistics.pairs import Design, Table, tabulate
from reports.tables.provenance import Environment, Origins, differing_fields, mixed_devices

Verdict = Literal["supported", "refuted", "negligible", "underpowered", "inconclusive", "not testable here", "not run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
PRECEDENCE = ("refuted", "not run", "underpowered", "inconclusive", "negligible", "supported")  # of parts joined by AND


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict; `reports.text.reasons` explains it.

    Attributes:
        study: Name of the study.
        claim: The claim that was judged.
        verdict: One of VERDICTS.
        outcomes: One for each stated part.
        deciding: Index of the stated part that decided.
        requirements: One for each precondition.
        checks: One for each robustness check.
        origins: Fields in which the environments of the claim's records differ, with their values.
    """

    study: str
    claim: Claim
    verdict: str
    outcomes: tuple[Outcome, ...]
    deciding: int = 0
    requirements: tuple[Requirement, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    origins: Origins = field(default_factory=dict)

    @property
    def main(self) -> Outcome:
        """Outcome of the part that decided."""
        return self.outcomes[self.deciding]

    @property
    def unmet(self) -> list[Requirement]:
        """The preconditions that are not met."""
        return [requirement for requirement in self.requirements if requirement.is_met is False]


@dataclass(frozen=True)
class _Case:
    """A claim with its measurements, before it is judged."""

    study: str
    claim: Claim
    stated: list[MeasuredPart]
    beyond: list[MeasuredPart]
    requirements: tuple[Requirement, ...]
    origins: Origins

    @property
    def is_testable(self) -> bool:
        return all(requirement.is_met is not False for requirement in self.requirements)

    @property
    def contrasts(self) -> list[int]:
        """Indices of the stated parts that are tested."""
        return [index for index, measured in enumerate(self.stated) if isinstance(measured.part, Contrast)]

    @property
    def family(self) -> str:
        """Name of the family of tests that the claim belongs to; a claim that is not tested has its own."""
        if not self.is_testable or not self.contrasts or any(measured.devices for measured in self.stated):
            return f"none: {self.study}, {self.claim.id}"
        is_timed = all(self.stated[index].part.metric.startswith(TIMED) for index in self.contrasts)
        return "timings" if self.claim.kind == "claim" and is_timed else self.claim.kind


def judge(
    claims: Sequence[tuple[str, Claim]],
    observations: pd.DataFrame,
    environments: Mapping[str, Environment] | None = None,
    designs: Mapping[str, Design] | None = None,
) -> list[Judgement]:
    """Judge every claim, in the order given.

    Holm's correction runs within each of six families: claims with a comparison of trained networks, claims about times
    alone, the literature's claims, controls, robustness checks, and interactions of the checks with the stated parts.

    Args:
        claims: (study, claim), each with the name of its study.
        observations: One row per observation, with the fields of `Observation` as columns.
        environments: Environment of each record, by its identity.
        designs: Design of each study, by its name. Stated parts of kind 'claim' have looks as far as they rest on
            trials; everything else has a fixed number of pairs.
    """
    metrics = {part.metric for _, claim in claims for part in (*claim.parts, *claim.requires)}
    table = tabulate(observations[observations["metric"].isin(metrics)])
    designs = designs or {}
    cases = [_measure(study, claim, table, designs.get(study, Design()), environments or {}) for study, claim in claims]
    p_by_case = _correct_stated(cases)
    checks = [_compare_checks(case, p_values) for case, p_values in zip(cases, p_by_case, strict=True)]
    results = iter(judge_checks([check for case_checks in checks for check in case_checks]))
    return [
        _join(case, p_values, tuple(next(results) for _ in case_checks))
        for case, p_values, case_checks in zip(cases, p_by_case, checks, strict=True)
    ]


def _measure(study: str, claim: Claim, table: Table, design: Design, environments: Mapping[str, Environment]) -> _Case:
    """Measure and test the claim's parts; a part whose timings come from several devices of a kind is not tested."""

    def measure(part: Part, has_looks: bool) -> MeasuredPart:
        return measure_part(part, table.get((study, part.metric), {}), design, has_looks)

    def of(parts: Sequence[MeasuredPart]) -> list[Environment]:
        names = sorted({name for part in parts for name in part.trials})
        return [environments[name] for name in names if name in environments]

    stated = [measure(part, has_looks=claim.kind == "claim") for part in claim.stated]
    beyond = [measure(part, has_looks=False) for part in claim.beyond.values()]
    devices = mixed_devices(claim.stated, of(stated))
    return _Case(
        study,
        claim,
        stated=[part.withdraw_if_mixed(devices) for part in stated],
        beyond=[part.withdraw_if_mixed(mixed_devices([part.part], of([part]))) for part in beyond],
        requirements=tuple(_check_requirement(study, requires, table, stated) for requires in claim.requires),
        origins=differing_fields(of([*stated, *beyond])),
    )


def _check_requirement(study: str, requires: Requires, table: Table, stated: Sequence[MeasuredPart]) -> Requirement:
    """Compare the arm's mean over the judged trials with the bounds; before any is judged, over all its trials."""
    judged = {pair for measured in stated if measured.pairs.trained for pair in measured.pairs.sources}
    values = table.get((study, requires.metric), {}).get(requires.arm, {})
    selected = [value.value for pair, value in values.items() if pair in judged or not judged]
    if not selected:
        return Requirement(requires)
    mean = math.fsum(selected) / len(selected) * describe_metric(requires.metric).factor
    return Requirement(requires, mean, requires.is_met_by(mean))


def _correct_stated(cases: Sequence[_Case]) -> list[dict[int, float | None]]:
    """Corrected p of each case's contrasts, by the index of the stated part."""
    cases_by_family: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        cases_by_family.setdefault(case.family, []).append(number)
    p_by_case: list[dict[int, float | None]] = [{} for _ in cases]
    for numbers in cases_by_family.values():
        tests = [[cases[number].stated[index].part_test() for index in cases[number].contrasts] for number in numbers]
        for number, p_values in zip(numbers, correct_family(tests), strict=True):
            p_by_case[number] = dict(zip(cases[number].contrasts, p_values, strict=True))
    return p_by_case


def _compare_checks(case: _Case, p_values: Mapping[int, float | None]) -> list[Check]:
    """Pair each robustness check with the stated part that it varies; with none of a claim that is not testable."""
    checks = []
    for name, measured in zip(case.claim.beyond, case.beyond, strict=True):
        index = find_counterpart(measured, case.stated) if case.is_testable else None
        stated = () if index is None else (case.stated[index], p_values[index])
        checks.append(Check(name, measured, *stated))
    return checks


def _join(case: _Case, p_values: Mapping[int, float | None], checks: tuple[CheckResult, ...]) -> Judgement:
    """Join the stated parts by AND; a precondition that is not met comes before all of them."""
    outcomes = tuple(measured.judge(p_values.get(index)) for index, measured in enumerate(case.stated))
    deciding = min(range(len(outcomes)), key=lambda index: PRECEDENCE.index(outcomes[index].verdict))
    verdict = outcomes[deciding].verdict if case.is_testable else "not testable here"
    return Judgement(case.study, case.claim, verdict, outcomes, deciding, case.requirements, checks, case.origins)
