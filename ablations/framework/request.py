"""The request of a run: studies, setting and data, and the jobs that follow from them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

from pydantic import ValidationError

from ablations.framework.discovery import describe_invalid
from ablations.framework.expand import expand_study
from ablations.framework.profiles import Setting
from ablations.framework.study import Study, compared_arms
from ablations.framework.tuning import Record, placeholder_levels, tune
from ablations.framework.waves import PlacedJob
from bench.data.source import Source
from bench.spec.errors import InputError, Interrupted
from bench.spec.jobs import Trial, identity


class Request(NamedTuple):
    """Request of a run: studies, setting and data.

    Attributes:
        study_names: Names or paths of the studies, as the user wrote them; empty for all studies.
        studies: The studies of these names.
        setting: Profile, device and number of seeds.
        source: The data set.
        tuning_trials: The trials known so far that tuning needs (see `with_tuned_levels`).
        note: What to know about the output folder, or ''.
    """

    study_names: tuple[str, ...]
    studies: list[Study]
    setting: Setting
    source: Source
    tuning_trials: tuple[PlacedJob, ...] = ()
    note: str = ""

    def with_tuned_levels(self, find_record: Callable[[Trial], Record | None], assume_missing: bool = False) -> Self:
        """Return the request with the levels that tuning has chosen so far, and the trials that it still needs.

        Args:
            find_record: Function that returns the record of a trial, or None before it ran.
            assume_missing: Whether an arm without a chosen level gets a placeholder, and an unfinished search the
                trials of its second round, so that their jobs can be counted.
        """
        tuned_levels, tuning_trials = {}, list[PlacedJob]()
        for study in self.studies:
            result = tune(study, self.setting, find_record)
            assumed_levels = placeholder_levels(study.tuning) if assume_missing and study.tuning else {}
            tuned_levels[study.name] = assumed_levels | result.tuned_levels
            tuning_trials += [*result.trials, *(result.later_trials if assume_missing else [])]
        setting = self.setting._replace(tuned_levels=tuned_levels)
        return self._replace(setting=setting, tuning_trials=tuple(tuning_trials))

    def with_seeds(self, extra_seeds: Mapping[str, Mapping[str, int]]) -> Self:
        """Return the request with these numbers of seeds for undecided claims."""
        return self._replace(setting=self.setting._replace(extra_seeds=extra_seeds))

    def placed_jobs(self) -> list[PlacedJob]:
        """Return the jobs of all studies, each with its study, arm and seed; studies share equal jobs.

        The order is that of a run: wave by wave; in a wave tuning first, then seed by seed over all studies, and within
        a seed the arms that claims compare first. So an interrupted run has whole comparisons of every study.
        """
        placed = [place for study in self.studies for place in _study_jobs(study, self.setting)]
        compared = {(study.name, arm) for study in self.studies for arm in compared_arms(study)}
        placed.sort(key=lambda place: (place.seed or 0, (place.study, place.arm) not in compared))
        return sorted([*self.tuning_trials, *placed], key=lambda place: place.wave)


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
