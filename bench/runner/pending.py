"""Which jobs are to be run, and whose weights are to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.records import store
from bench.spec.jobs import Count, Job, Probe, Timing, Trial


def missing(jobs: Sequence[Job], out: Path, retry_failed: bool = False) -> list[Job]:
    """The jobs to run, each once, in the order in which they run: timings last, alone on the machine.

    Those without a record; those that failed, if asked; timings that were unfit to judge by; and finished trials whose
    weights a probe without a record needs, where they were not kept: trained again, they give the same record.
    """
    unique = dict.fromkeys(jobs)
    lacking = {job for job in unique if not _settled(job, out, retry_failed)}
    asked = {trial for job in lacking if isinstance(job, Probe) for trial in job.trials}
    lacking |= {trial for trial in asked if store.weightless(out, trial)}
    kinds = {Trial: 0, Count: 0, Probe: 1, Timing: 2}
    return sorted((job for job in unique if job in lacking), key=lambda job: kinds[type(job)])


def kept(jobs: Sequence[Job], todo: Sequence[Job]) -> set[Trial]:
    """The trials among `todo` whose weights stay: seed 0 of each arm, and what a probe among all `jobs` asks about."""
    probed = {trial for job in jobs if isinstance(job, Probe) for trial in job.trials}
    return {job for job in todo if isinstance(job, Trial) and (job.seed == 0 or job in probed)}


def _settled(job: Job, out: Path, retry_failed: bool) -> bool:
    if not isinstance(job, Timing) and not retry_failed:
        return store.path(out, job).exists()
    record = store.read(out, job)
    if record is None or (retry_failed and store.failed(record)):
        return False
    return not isinstance(job, Timing) or store.failed(record) or record["fit"]
