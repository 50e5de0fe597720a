"""`ablate plan`: the jobs of a run, their time and disk space, and what its seeds can decide."""

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console

from ablations.framework.agenda import Agenda
from ablations.framework.waves import NAMED, STATED
from bench.runner import estimate
from bench.runner.backends import ray_cluster
from bench.runner.pending import select_kept_trials
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
    agenda = Agenda(request, options.out)
    missing_jobs = list(agenda.expected_jobs)
    _print_studies(agenda, lambda jobs: durations.remaining_s(jobs, workers), console)
    overhead_s = estimate.START_S + estimate.REPORT_S * len(request.studies)

    def predict(jobs: Sequence[Job]) -> str:
        return format_duration(durations.remaining_s(jobs, workers) + overhead_s)

    size_mb = estimate.disk_mb(missing_jobs, select_kept_trials(agenda.known_jobs, missing_jobs))
    sharing = f" ({devices.TRIALS_PER_SHARED_GPU} per GPU, with NVIDIA's Multi-Process Service)"
    sharing *= plans_for_gpus(options) and request.setting.device == "cuda"
    is_partly_done = len(missing_jobs) < agenda.total
    rerun_text = f" (all {agenda.total} jobs: about {predict(agenda.known_jobs)})" * is_partly_done
    bound = "at most" if agenda.has_open_looks else "about"
    console.print(
        f"{len(missing_jobs)} jobs to run (a job shared by studies counts once), {workers} at once{sharing}: "
        f"{bound} {predict(missing_jobs)}{rerun_text}, start and report included, and {size_mb:.0f} MB in {options.out}"
    )
    if missing_jobs:
        first_waves = [[job for job in missing_jobs if agenda.waves[job] <= wave] for wave in (NAMED, STATED)]
        named_time, stated_time = map(predict, first_waves)
        named_text = f"of the named ablations after about {named_time}, " * bool(first_waves[0])
        console.print(f"First reports: {named_text}of all stated comparisons after about {stated_time}")
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


def _print_studies(agenda: Agenda, remaining_s: Callable[[Sequence[Job]], float], console: Console) -> None:
    from reports.prospects import estimate_prospects  # imported late: it takes seconds, and workers import this
    from reports.text.planning import describe_prospects

    prospects, request = [], agenda.request
    for study in request.studies:
        jobs = agenda.study_jobs(study.name)
        study_missing = [job for job in jobs if job in agenda.expected_jobs]
        done_count, time_left = len(jobs) - len(study_missing), format_duration(remaining_s(study_missing))
        console.print(f"{study.name:<14} {len(jobs):>4} jobs, {done_count:>4} done, about {time_left} left")
        prospects += (study_prospects := list(estimate_prospects(study, request.setting, agenda.out)))
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
