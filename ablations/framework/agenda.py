"""The jobs of a run in their order. It changes while the run works: tuning and verdicts decide which jobs follow."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations.framework.request import Request
from ablations.framework.seeds import INTERIM_ANALYSES, last_seeds
from ablations.framework.study import all_claims
from ablations.framework.waves import WAVES, PlacedJob
from bench.records import store
from bench.runner.pending import find_missing_jobs, select_kept_trials
from bench.spec.jobs import Job, Timing, Trial, identity, job_kind


class Agenda:
    """The jobs of a run, wave by wave, and which of them are missing.

    Attributes:
        request: The request, with the levels that tuning has chosen so far.
        titles: Title of each job so far.
        arms: Pairs of study and arm that need each job, by the job's identity.
        purposes: What a trial is for: the id of the first claim that compares its arm, or the tuning of its study.
        waves: First wave that needs a job; that of expected ones included.
        wave: The wave that is being worked on.
        missing_jobs: The jobs to run, in order.
        expected_jobs: These, stand-ins for those that unfinished tuning will add, and those that claims may get at
            further looks if none is decided before.
        total: Number of all jobs, done ones and expected ones included.
    """

    def __init__(self, request: Request, out: Path, retry_failed: bool = False) -> None:
        self.out, self.retry_failed = out, retry_failed
        self._ended_jobs = set[Job]()  # in this run
        self._records: dict[Job, dict[str, Any]] = {}
        self._open_looks = last_seeds(request.studies, request.setting)
        self.wave = min(WAVES)
        self.plan(request)

    def plan(self, request: Request) -> None:
        """Find the jobs of a request."""
        self.request = request.with_tuned_levels(self._find_record)
        placed = self.request.placed_jobs()
        self.titles, self.arms = _name_jobs(placed), _group_arms(placed)
        self.purposes = _find_purposes(self.request, placed)
        self._tuning_trials = {place.job for place in self.request.tuning_trials}
        self._kept_trials = select_kept_trials(list(self.titles), list(self.titles))
        self._places = [*placed, *self._expect(request).placed_jobs()]
        self.waves = _find_waves(self._places)
        self.missing_jobs = self._find_missing_jobs(self.titles)
        later_jobs = self._find_missing_jobs(job for job in self.waves if job not in self.titles)
        self.expected_jobs = dict.fromkeys(
            job for job in (*self.missing_jobs, *later_jobs) if job not in self._ended_jobs
        )
        self.total = len(self.titles) + len(later_jobs)

    @property
    def has_open_looks(self) -> bool:
        """Whether claims may get further seeds, so that fewer jobs than expected may follow."""
        return bool(self._open_looks)

    @property
    def known_jobs(self) -> list[Job]:
        """All jobs, expected ones included."""
        return list(self.waves)

    def study_jobs(self, study: str) -> list[Job]:
        """Return the jobs of a study, expected ones included."""
        return list(dict.fromkeys(place.job for place in self._places if place.study == study))

    def wave_jobs(self) -> list[Job]:
        """Return the missing jobs of the wave, without timings that a busy machine made unfit."""
        jobs = [job for job in self.missing_jobs if self.waves[job] <= self.wave and job not in self._ended_jobs]
        return [job for job in jobs if not (isinstance(job, Timing) and _is_finished(store.read(self.out, job)))]

    def add_seeds(self, extra_seeds: Mapping[str, Mapping[str, int]]) -> bool:
        """Take the numbers of seeds that undecided claims request; return whether they are new."""
        earlier, last = self.request.setting.extra_seeds, INTERIM_ANALYSES[-1]
        self._open_looks = {
            study: dict.fromkeys(open_arms, last)
            for study, seeds in extra_seeds.items()
            if (open_arms := [arm for arm, n in seeds.items() if earlier.get(study, {}).get(arm, 0) < n < last])
        }
        self.plan(self.request.with_seeds(extra_seeds))
        return extra_seeds != earlier

    def end(self, job: Job) -> Sequence[Job] | None:
        """Note that a job has ended; return the wave's jobs to run from now on if tuning changed them, else None."""
        self._ended_jobs.add(job)
        self.expected_jobs.pop(job, None)
        if job not in self._tuning_trials:
            return None
        self._records.pop(job, None)  # a failure that has been retried has another record now
        request = self.request.with_tuned_levels(self._find_record)
        if request == self.request:
            return None
        self.plan(request)
        return self.wave_jobs()

    def keeps_weights(self, trial: Trial) -> bool:
        """Whether the trial's final weights are stored."""
        return trial in self._kept_trials

    def _expect(self, request: Request) -> Request:
        """Return the request with stand-ins for levels not chosen yet, and with the seeds of all open looks."""
        extra_seeds = {study: dict(seeds) for study, seeds in request.setting.extra_seeds.items()}
        for study, seeds in self._open_looks.items():
            extra_seeds[study] = {**extra_seeds.get(study, {}), **seeds}
        return request.with_seeds(extra_seeds).with_tuned_levels(self._find_record, assume_missing=True)

    def _find_missing_jobs(self, jobs: Iterable[Job]) -> list[Job]:
        """Return the missing jobs in the order of the stages; a failed one is retried once in a run."""
        jobs = list(jobs)
        missing_jobs = find_missing_jobs(jobs, self.out)
        if not self.retry_failed:
            return missing_jobs
        retried_jobs = self._ended_jobs.difference(missing_jobs)
        return [job for job in find_missing_jobs(jobs, self.out, retry_failed=True) if job not in retried_jobs]

    def _find_record(self, trial: Trial) -> dict[str, Any] | None:
        """Return the record of a trial; it is read once, and again after the trial has ended in this run."""
        record = self._records.get(trial) or store.read(self.out, trial)
        if record:
            self._records[trial] = record
        return record


def _name_jobs(placed: Iterable[PlacedJob]) -> dict[Job, str]:
    """Return the title of each job: study, arm and seed in the first study that needs it."""
    titles: dict[Job, str] = {}
    for place in placed:
        titles.setdefault(place.job, _title(place))
    return titles


def _find_waves(placed: Iterable[PlacedJob]) -> dict[Job, int]:
    waves: dict[Job, int] = {}
    for place in placed:
        waves[place.job] = min(place.wave, waves.get(place.job, place.wave))
    return waves


def _is_finished(record: dict[str, Any] | None) -> bool:
    return record is not None and not store.is_failure(record)


def _group_arms(placed: Iterable[PlacedJob]) -> dict[str, list[tuple[str, str]]]:
    arms: dict[str, list[tuple[str, str]]] = {}
    for place in placed:
        arms.setdefault(identity(place.job), []).append((place.study, place.arm))
    return arms


def _find_purposes(request: Request, placed: Iterable[PlacedJob]) -> dict[Job, str]:
    purposes: dict[Job, str] = {place.job: f"tuning of {place.study}" for place in request.tuning_trials}
    claims = {
        (study.name, arm): claim.id
        for study in request.studies
        for claim in reversed(all_claims(study, request.setting.data))
        for part in claim.parts
        for arm in (part.arm, part.reference)
    }
    for place in placed:
        if claim := claims.get((place.study, place.arm)):
            purposes.setdefault(place.job, claim)
    return purposes


def _title(place: PlacedJob) -> str:
    job = place.job
    if isinstance(job, Trial):
        return f"{place.study} / {place.arm} / seed {place.seed}"
    subject = getattr(job, "subject", None) or getattr(job, "question", None) or place.arm
    return f"{place.study} / {job_kind(job)} of {subject}"
