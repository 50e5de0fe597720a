"""Everything that a page is made from: what was asked, what was recorded, what was judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ablations import Contrast, Setting, Study
from ablations.framework import tuning
from ablations.framework.expand import PlacedJob, expand_study
from ablations.framework.seeds import has_interim_analyses, requested_seeds
from ablations.framework.study import all_arms, all_claims
from ablations.framework.tuning import TuningResult
from bench.metrics.table import describe_metric
from bench.records import store as files
from bench.spec.jobs import Job
from reports.statistics import summary
from reports.statistics.judge import Judgement, judge
from reports.tables import observations
from reports.tables.observations import Record, get_environment, identity


@dataclass(frozen=True)
class Evidence:
    studies: Sequence[Study]
    setting: Setting
    placed: Sequence[PlacedJob]
    records: Mapping[str, Record]
    trials: pd.DataFrame
    results: pd.DataFrame
    curves: pd.DataFrame
    judgements: Sequence[Judgement]
    tuned: Mapping[str, TuningResult] = field(default_factory=dict)

    def for_study(self, study: Study) -> Evidence:
        """What belongs to one study."""
        return dataclasses.replace(
            self,
            studies=(study,),
            placed=[place for place in self.placed if place.study == study.name],
            judgements=[judgement for judgement in self.judgements if judgement.study == study.name],
            trials=_of(self.trials, study),
            results=_of(self.results, study),
            curves=_of(self.curves, study),
        )

    def noise_floor(self, judgement: Judgement) -> float | None:
        """The noise floor, in shown units, of a difference between arms; None for a claim that rests on none."""
        part = judgement.main.part
        if not isinstance(part, Contrast) or part.ratio or not isinstance(part.reference, str):
            return None
        study = next(study for study in self.studies if study.name == judgement.study)
        return (
            summary.noise_floor(_of(self.results, study), study.baseline, part.metric)
            * describe_metric(part.metric).factor
        )

    def find_record(self, job: Job) -> Record | None:
        return self.records.get(identity(job))

    def first_network_record(self, arm: str, kind: type) -> Record | None:
        """The record of the arm's first job of this kind that has one with a network."""
        jobs = (place.job for place in self.placed if place.arm == arm and isinstance(place.job, kind))
        return next((record for record in map(self.find_record, jobs) if record and record.get("network")), None)


def _of(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    return table[table["study"] == study.name] if len(table) else table


def gather(out: Path, studies: Sequence[Study], setting: Setting) -> Evidence:
    tuned = {study.name: tuning.tune(study, setting, lambda trial: _read(out, identity(trial))) for study in studies}
    setting = setting._replace(tuned_levels={name: found.tuned_levels for name, found in tuned.items()})
    placed = [place for study in studies for place in expand_study(study, setting)]
    found = {name: _read(out, name) for name in dict.fromkeys(identity(place.job) for place in placed)}
    records = {name: record for name, record in found.items() if record is not None}
    results = observations.tabulate_results(placed, records)
    combined = [
        observations.tabulate_combinations(study, _of(results, study)) for study in studies if study.combinations
    ]
    every_observation = pd.concat([observations.tabulate_observations(placed, records), *combined], ignore_index=True)
    claims = [(study.name, claim) for study in studies for claim in all_claims(study, setting.data)]
    looks = {
        (study.name, arm): requested_seeds(study, arm, setting)
        for study in studies
        if has_interim_analyses(study, setting)
        for arm in (*all_arms(study), *study.combinations)
    }
    return Evidence(
        studies,
        setting,
        placed,
        records,
        observations.tabulate_trials(placed, records),
        results,
        observations.tabulate_curves(placed, records),
        judge(claims, every_observation, {name: get_environment(record) for name, record in records.items()}, looks),
        tuned,
    )


def _read(out: Path, name: str) -> Record | None:
    """The record without the values behind its aggregates: most of its size, and shown nowhere."""
    record = files.read(out, name)
    return record and {name: part for name, part in record.items() if name != "raw"}
