"""Jobs run as the command runs them: those that are missing, and the weights kept that they ask for."""

from bench.run import run as run_all
from bench.todo import kept, missing


def run(jobs, source, out, workers, retry_failed=False, **options):
    todo = missing(jobs, out, retry_failed)
    return run_all(todo, kept(jobs, todo), source, out, workers, **options)
