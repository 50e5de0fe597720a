"""`ablate plan`: the jobs of a run, their time and disk space, and what its seeds can decide."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from ablations.framework.request import Request
from bench.records import store
from bench.runner import estimate
from bench.runner.backends import ray_cluster
from bench.runner.pending import find_missing_jobs, select_kept_trials
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import devices
from commands.options import MAX_WORKERS, cluster_connection, make_request, plans_for_gpus, uses_cluster
from reports.text.formatting import format_duration


def show_plan(options: argparse.Namespace, console: Console) -> int:
    """Print the plan; return the exit status."""
    with cluster_connection(options):
        return _plan(options, console)


def _plan(options: argparse.Namespace, console: Console) -> int:
    request, durations = make_request(options, console, writes=False)
    workers = _count_workers(options, request.setting.device)
    request = request.with_tuned_levels(partial(store.read, options.out), assume_missing=True)
    jobs = list(dict.fromkeys(place.job for place in request.placed_jobs()))
    missing_jobs = find_missing_jobs(jobs, options.out)
    _print_studies(request, options.out, missing_jobs, lambda jobs: durations.remaining_s(jobs, workers), console)
    size_mb = estimate.disk_mb(missing_jobs, select_kept_trials(jobs, missing_jobs))
    overhead_s = estimate.START_S + estimate.REPORT_S * len(request.studies)
    seconds = [durations.remaining_s(part, workers) + overhead_s for part in (missing_jobs, jobs)]
    missing_time, all_time = map(format_duration, seconds)
    sharing = f" ({devices.TRIALS_PER_SHARED_GPU} per GPU, with NVIDIA's Multi-Process Service)"
    sharing *= plans_for_gpus(options) and request.setting.device == "cuda"
    rerun_text = f" (all {len(jobs)} jobs: about {all_time})" * (len(missing_jobs) < len(jobs))
    console.print(
        f"{len(missing_jobs)} jobs to run (a job shared by studies counts once), {workers} at once{sharing}: "
        f"about {missing_time}{rerun_text}, start and report included, and {size_mb:.0f} MB in {options.out}"
    )
    if durations.is_guess(missing_jobs):
        console.print(
            f"No trial has finished on {request.setting.device} yet, so the time is a rule of thumb. "
            "Run for a few minutes (--limit 5m), then plan again."
        )
    return 0


def _count_workers(options: argparse.Namespace, device: str) -> int:
    if plans_for_gpus(options):
        if float(options.cluster) > MAX_WORKERS:  # int() refuses thousands of digits
            raise InputError(f"--cluster is {options.cluster}: expected 1 to {MAX_WORKERS}, or an address")
        workers = devices.concurrent_jobs(device, int(options.cluster))
    elif uses_cluster(options):
        workers = ray_cluster.count_slots(device)
    else:
        workers = options.workers or devices.worker_count(device)
    if not workers:
        raise InputError(f"--cluster {options.cluster} has no {device} device: name another cluster or --device")
    return workers


def _print_studies(
    request: Request,
    out: Path,
    missing_jobs: list[Job],
    remaining_s: Callable[[Sequence[Job]], float],
    console: Console,
) -> None:
    from reports.prospects import estimate_prospects  # imported late: it takes seconds, and workers import this
    from reports.text.planning import describe_prospects

    prospects = []
    placed_jobs = request.placed_jobs()  # including the jobs of tuning
    for study in request.studies:
        jobs = dict.fromkeys(placed.job for placed in placed_jobs if placed.study == study.name)
        study_missing = [job for job in missing_jobs if job in jobs]
        done_count, time_left = len(jobs) - len(study_missing), format_duration(remaining_s(study_missing))
        console.print(f"{study.name:<14} {len(jobs):>4} jobs, {done_count:>4} done, about {time_left} left")
        prospects += (study_prospects := list(estimate_prospects(study, request.setting, out)))
        for claim, text in describe_prospects(study_prospects):
            console.print(f"    {claim}: {text}")
    if any(not prospect.pilot_pairs for _, prospect in prospects):
        console.print(
            "A pilot is two finished seeds of a study's baseline and of its control 'again'; studies with the same "
            "baseline share it. After the first run, `ablate plan` states what the seeds can decide."
        )
    if any(prospect.pilot_pairs for _, prospect in prospects):
        console.print(
            "Differences and seeds hold for a power of 0.8 (four runs in five) at p = 0.05, before Holm's correction."
        )
