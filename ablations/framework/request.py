"""The request of a run: studies, setting and data, and the jobs that follow from them."""

from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import ValidationError

from ablations.framework.discovery import describe_invalid
from ablations.framework.expand import PlacedJob, expand_study
from ablations.framework.setting import Setting
from ablations.framework.study import Study
from ablations.framework.tuning import placeholder_levels, tune
from bench.data.source import Source
from bench.records import store
from bench.spec.errors import InputError, Interrupted
from bench.spec.jobs import Job, Trial, identity, job_kind


class Request(NamedTuple):
    """Request of a run: studies, setting and data.

    Attributes:
        study_names: Names or paths of the studies, as the user wrote them; empty for all studies.
        studies: The studies of these names.
        setting: Profile, device and number of seeds.
        source: The data set.
        tuning_trials: The trials known so far that tuning needs (see `with_tuned_levels`).
    """

    study_names: tuple[str, ...]
    studies: list[Study]
    setting: Setting
    source: Source
    tuning_trials: tuple[PlacedJob, ...] = ()

    def with_tuned_levels(self, out: Path, assume_missing: bool = False) -> Self:
        """Return the request with the levels that tuning has chosen so far, and the trials that it still needs.

        Args:
            out: The output folder, whose records tuning reads.
            assume_missing: Whether an arm without a chosen level gets a placeholder, so that its jobs can be counted.
        """
        tuned_levels, tuning_trials = {}, list[PlacedJob]()
        for study in self.studies:
            result = tune(study, self.setting, partial(store.read, out))
            assumed_levels = placeholder_levels(study.tuning) if assume_missing and study.tuning else {}
            tuned_levels[study.name] = result.tuned_levels or assumed_levels
            tuning_trials += result.trials
        setting = self.setting._replace(tuned_levels=tuned_levels)
        return self._replace(setting=setting, tuning_trials=tuple(tuning_trials))

    def placed_jobs(self) -> list[PlacedJob]:
        """Return the jobs of all studies, each with its study, arm and seed; studies share equal jobs."""
        return [*self.tuning_trials, *(place for study in self.studies for place in _study_jobs(study, self.setting))]

    def job_titles(self) -> dict[Job, str]:
        """Return the title of each job: study, arm and seed in the first study that needs it."""
        titles: dict[Job, str] = {}
        for place in self.placed_jobs():
            titles.setdefault(place.job, _title(place))
        return titles

    def arms_by_identity(self) -> dict[str, list[tuple[str, str]]]:
        """Return the pairs of study and arm that need each job, by the job's identity."""
        arms: dict[str, list[tuple[str, str]]] = {}
        for place in self.placed_jobs():
            arms.setdefault(identity(place.job), []).append((place.study, place.arm))
        return arms


def _title(place: PlacedJob) -> str:
    job = place.job
    if isinstance(job, Trial):
        return f"{place.study} / {place.arm} / seed {place.seed}"
    subject = getattr(job, "subject", None) or getattr(job, "question", None) or place.arm
    return f"{place.study} / {job_kind(job)} of {subject}"


def _study_jobs(study: Study, setting: Setting) -> list[PlacedJob]:
    """Expand a study into its jobs; raise InputError if the study's code fails or a job cannot be stored."""
    try:
        placed = expand_study(study, setting)
        for place in placed:
            identity(place.job)
    except InputError:
        raise
    except ValidationError as error:
        raise InputError(f"study {study.name} cannot be used: {describe_invalid(error, 'timings')}") from error
    except Interrupted:
        raise
    except BaseException as error:  # not every exception that a study's function may raise is an Exception
        raise InputError(f"study {study.name} cannot be used: {type(error).__name__}: {error}") from error
    return placed
