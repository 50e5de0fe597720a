"""Jobs run as the command runs them: the missing ones, keeping the weights that are needed."""

import os
from pathlib import Path

from bench.runner.pending import find_missing_jobs, select_kept_trials
from bench.runner.scheduler import run as run_missing
from bench.runner.task import RunOptions
from bench.system import files


def run(jobs, source, out, workers, retry_failed=False, **options):
    missing_jobs = find_missing_jobs(jobs, out, retry_failed)
    kept_trials = select_kept_trials(jobs, missing_jobs)
    return run_missing(missing_jobs, RunOptions(source, out, workers, kept_trials.__contains__, **options))


def half_written(target, process):
    """Return the temporary path that a process uses while it makes the target."""
    temporary = files.temporary_path(Path(target))
    return temporary.with_name(temporary.name.replace(f"-{os.getpid()}-", f"-{process}-"))
