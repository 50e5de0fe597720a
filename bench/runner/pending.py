"""Selection of the jobs to run, and of the trials whose weights are stored."""

from collections.abc import Sequence
from pathlib import Path

from bench.records import store, weights
from bench.spec.jobs import Count, Job, Probe, Timing, Trial


def find_missing_jobs(jobs: Sequence[Job], out: Path, retry_failed: bool = False) -> list[Job]:
    """Return the jobs to run, each once, in the order of the stages of a run.

    They are jobs without a record, timings that a busy machine made unfit, on request failed jobs, and finished trials
    whose weights are missing or damaged but needed by a missing probe. Trained again, the latter give the same record.

    Args:
        jobs: The jobs that studies need; they may repeat.
        out: Output folder.
        retry_failed: Whether failed jobs count as missing.
    """
    unique_jobs = dict.fromkeys(jobs)
    missing_jobs = {job for job in unique_jobs if not _is_settled(job, out, retry_failed)}
    probed_trials = {trial for job in missing_jobs if isinstance(job, Probe) for trial in job.trials}
    missing_jobs |= {trial for trial in probed_trials if weights.are_lacking(out, trial)}
    stages = {Trial: 0, Count: 0, Probe: 1, Timing: 2}
    return sorted((job for job in unique_jobs if job in missing_jobs), key=lambda job: stages[type(job)])


def select_kept_trials(jobs: Sequence[Job], missing_jobs: Sequence[Job]) -> set[Trial]:
    """Return the missing trials whose weights are stored: seed 0 of each arm, and those that probes in `jobs` need."""
    probed_trials = {trial for job in jobs if isinstance(job, Probe) for trial in job.trials}
    return {job for job in missing_jobs if isinstance(job, Trial) and (job.seed == 0 or job in probed_trials)}


def _is_settled(job: Job, out: Path, retry_failed: bool) -> bool:
    if not isinstance(job, Timing) and not retry_failed:
        return store.path(out, job).exists()
    record = store.read(out, job)
    if record is None or (retry_failed and store.is_failure(record)):
        return False
    return not isinstance(job, Timing) or store.is_failure(record) or record["fit"]
