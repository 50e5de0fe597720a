"""What a run is asked: studies, how much to spend, on what; and the jobs that follow."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ablations.framework.expand import PlacedJob, expand_study
from ablations.framework.setting import Setting
from ablations.framework.study import Study
from ablations.framework.tuning import placeholder_levels, tune
from bench.data.source import Source
from bench.records import store
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial, describe, identity, job_kind
from bench.system.text import printable


class Request(NamedTuple):
    """What `ablate run` is asked to do.

    Attributes:
        study_names: as the user wrote them; empty for all studies.
        studies: the studies of these names.
        setting: profile, data, device and seeds.
        source: the data set's files.
        tuning_trials: trials that choose levels, as far as they are known (see `with_tuned_levels`).
    """

    study_names: tuple[str, ...]
    studies: list[Study]
    setting: Setting
    source: Source
    tuning_trials: tuple[PlacedJob, ...] = ()

    def placed_jobs(self) -> list[PlacedJob]:
        return [*self.tuning_trials, *(place for study in self.studies for place in _study_jobs(study, self.setting))]

    def with_tuned_levels(self, out: Path, assume_missing: bool = False) -> Request:
        """The request with the levels that tuning has chosen so far, and the trials that it still needs.

        Args:
            out: the folder with the records of earlier trials.
            assume_missing: whether an arm without a chosen level gets a placeholder, so that its jobs can be counted.
        """
        chosen, tries = {}, list[PlacedJob]()
        for study in self.studies:
            found = tune(study, self.setting, partial(store.read, out))
            chosen[study.name] = found.tuned_levels or (
                placeholder_levels(study.tuning) if assume_missing and study.tuning else {}
            )
            tries += found.trials
        return self._replace(setting=self.setting._replace(tuned_levels=chosen), tuning_trials=tuple(tries))

    def job_titles(self) -> dict[Job, str]:
        """The jobs, each once, with what a person reads for it: its place in the first study that asks for it."""
        found: dict[Job, str] = {}
        for place in self.placed_jobs():
            found.setdefault(place.job, _title(place))
        return found

    def arms_by_identity(self) -> dict[str, list[tuple[str, str]]]:
        """Where each job is used, by its identity: pairs of study and arm."""
        found: dict[str, list[tuple[str, str]]] = {}
        for place in self.placed_jobs():
            found.setdefault(identity(place.job), []).append((place.study, place.arm))
        return found


def _title(place: PlacedJob) -> str:
    job = place.job
    if isinstance(job, Trial):
        return f"{place.study} / {place.arm} / seed {place.seed}"
    what = getattr(job, "subject", None) or getattr(job, "question", None) or place.arm
    return f"{place.study} / {job_kind(job)} of {what}"


def _study_jobs(study: Study, setting: Setting) -> list[PlacedJob]:
    """The study's jobs; raises InputError where the study's own code or levels raise anything."""
    try:
        found = expand_study(study, setting)
        for place in found:
            hash(place.job), identity(place.job), json.dumps(describe(place.job), ensure_ascii=False).encode()
    except InputError:
        raise
    except Exception as error:
        raise InputError(printable(f"study {study.name} cannot be used: {type(error).__name__}: {error}")) from error
    return found
