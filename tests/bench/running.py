"""Jobs run as the command runs them: those that are missing, and the weights kept that they ask for."""

import os
from pathlib import Path

from bench.runner.pending import kept, missing
from bench.runner.scheduler import run as run_all
from bench.system import files


def run(jobs, source, out, workers, retry_failed=False, **options):
    todo = missing(jobs, out, retry_failed)
    return run_all(todo, kept(jobs, todo), source, out, workers, **options)


def half_written(target, process):
    """Where that process makes what is to become the target."""
    made = files.temporary(Path(target))
    return made.with_name(made.name.replace(f"-{os.getpid()}-", f"-{process}-"))
