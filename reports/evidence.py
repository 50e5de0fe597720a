"""Everything that a report is made from: studies, records, tables and judgements."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd

from ablations import Claim, Contrast, Setting, Study
from ablations.framework import tuning
from ablations.framework.expand import expand_study
from ablations.framework.seeds import has_interim_analyses, requested_seeds, seeds_per_arm
from ablations.framework.study import all_arms, all_claims
from ablations.framework.tuning import TuningResult
from ablations.framework.waves import PlacedJob
from bench.metrics.table import describe_metric
from bench.records import store
from bench.spec.jobs import Job, Trial, identity
from reports.statistics import summary
from reports.statistics.claim_verdicts import Judgement, judge
from reports.statistics.pairs import Design
from reports.tables import observations
from reports.tables.observations import Record, get_environment


@dataclass(frozen=True)
class Evidence:
    """Studies with their records, as tables, and the judgements on their claims.

    Attributes:
        studies: The studies of the report.
        setting: Profile, data, device and seeds.
        placed: Every job with its place in a study.
        records: Records of the jobs that have one, by identity.
        trials: One row per trial, `observations.tabulate_trials`.
        results: One row per finished trial, `observations.tabulate_results`.
        curves: Values during training, `observations.tabulate_curves`.
        judgements: One for each claim and control.
        tuned: Result of each study's tuning, by the name of the study.
    """

    studies: Sequence[Study]
    setting: Setting
    placed: Sequence[PlacedJob]
    records: Mapping[str, Record]
    trials: pd.DataFrame
    results: pd.DataFrame
    curves: pd.DataFrame
    judgements: Sequence[Judgement]
    tuned: Mapping[str, TuningResult] = field(default_factory=dict)

    def for_study(self, study: Study) -> Self:
        """Return the evidence of one study."""
        return dataclasses.replace(
            self,
            studies=(study,),
            placed=[place for place in self.placed if place.study == study.name],
            judgements=[judgement for judgement in self.judgements if judgement.study == study.name],
            trials=_rows_of(self.trials, study),
            results=_rows_of(self.results, study),
            curves=_rows_of(self.curves, study),
        )

    def noise_floor(self, judgement: Judgement) -> float | None:
        """Noise floor of the deciding contrast, in the unit shown; None unless it is a difference between arms."""
        part = judgement.main.part
        if not isinstance(part, Contrast) or part.ratio or not isinstance(part.reference, str):
            return None
        study = next(study for study in self.studies if study.name == judgement.study)
        floor = summary.noise_floor(_rows_of(self.results, study), study.baseline, part.metric)
        return floor * describe_metric(part.metric).factor

    @property
    def claims(self) -> list[Judgement]:
        """The judgements on the claims that the studies test."""
        return select_kind(self.judgements, "claim")

    @property
    def literature(self) -> list[Judgement]:
        """The judgements on what was published about the claims' subjects."""
        return select_kind(self.judgements, "literature")

    @property
    def controls(self) -> list[Judgement]:
        """The judgements on the controls."""
        return select_kind(self.judgements, "control")

    def find_record(self, job: Job) -> Record | None:
        """The job's record, if there is one."""
        return self.records.get(identity(job))

    def first_network_record(self, arm: str) -> Record | None:
        """First record with a network among the arm's trials."""
        jobs = (place.job for place in self.placed if place.arm == arm and isinstance(place.job, Trial))
        return next((record for record in map(self.find_record, jobs) if record and record.get("network")), None)


def select_kind(judgements: Sequence[Judgement], kind: str) -> list[Judgement]:
    """Select the judgements on claims of one of `ablations.framework.claim.KINDS`."""
    return [judgement for judgement in judgements if judgement.claim.kind == kind]


def gather(out: Path, studies: Sequence[Study], setting: Setting) -> Evidence:
    """Read the records of the studies' jobs, tabulate them and judge every claim.

    Args:
        out: Output folder of the run.
        studies: The studies of the report.
        setting: Profile, data, device and seeds.
    """
    tuned = {s.name: tuning.tune(s, setting, lambda trial: _read(out, identity(trial))) for s in studies}
    setting = setting._replace(tuned_levels={name: result.tuned_levels for name, result in tuned.items()})
    placed = [place for study in studies for place in expand_study(study, setting)]
    names = dict.fromkeys(identity(place.job) for place in placed)
    records = {name: record for name in names if (record := _read(out, name)) is not None}
    results = observations.tabulate_results(placed, records)
    combining = [study for study in studies if study.combinations]
    combined = [observations.tabulate_combinations(study, _rows_of(results, study)) for study in combining]
    table = pd.concat([observations.tabulate_observations(placed, records), *combined], ignore_index=True)
    judgements = _judge_claims(studies, setting, placed, table, records)
    trials, curves = observations.tabulate_trials(placed, records), observations.tabulate_curves(placed, records)
    return Evidence(studies, setting, placed, records, trials, results, curves, judgements, tuned)


def group_by_baseline(studies: Sequence[Study], placed: Sequence[PlacedJob]) -> dict[str, list[str]]:
    """Group the studies with controls by their baseline: names of all that share it, by the name of the first."""
    baselines = {(study.name, study.baseline) for study in studies if study.arms and study.claims}
    groups: dict[Job, list[str]] = {}
    for place in placed:
        if place.seed == 0 and (place.study, place.arm) in baselines:
            groups.setdefault(place.job, []).append(place.study)
    return {names[0]: names for names in groups.values()}


def _judge_claims(
    studies: Sequence[Study],
    setting: Setting,
    placed: Sequence[PlacedJob],
    table: pd.DataFrame,
    records: Mapping[str, Record],
) -> list[Judgement]:
    """Judge all claims; of the studies that share a baseline, the first one with a control has it for all.

    A study whose baseline needs a device that the machine lacks has no controls.
    """
    first_names = {name: first for first, names in group_by_baseline(studies, placed).items() for name in names}
    claims: list[tuple[str, Claim]] = []
    judged_controls = set[tuple[str, str]]()
    for study in studies:
        for claim in all_claims(study, setting.data):
            control = first_names.get(study.name, ""), claim.id.removeprefix(study.name)
            if claim.kind != "control" or (control[0] and control not in judged_controls):
                claims.append((study.name, claim))
            judged_controls.add(control)
    environments = {record["identity"]: get_environment(record) for record in records.values()}
    return judge(claims, table, environments, {study.name: _design(study, setting) for study in studies})


def _design(study: Study, setting: Setting) -> Design:
    arms = (*all_arms(study), *study.combinations) if has_interim_analyses(study, setting) else ()
    seeds = {arm: requested_seeds(study, arm, setting) for arm in arms}
    return Design(seeds_per_arm(study, setting), seeds, tuple(study.switches), study.combinations)


def _rows_of(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    return table[table["study"] == study.name] if len(table) else table


def _read(out: Path, name: str) -> Record | None:
    """Read a record without its raw values, which are most of its size and are not shown."""
    record = store.read(out, name)
    return record and {name: part for name, part in record.items() if name != "raw"}
