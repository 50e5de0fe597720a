"""`ablate run`: perform the missing jobs, publish their records and write the report."""

import argparse
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from rich.console import Console

from ablations.framework.agenda import Agenda
from ablations.framework.request import Request
from ablations.framework.request_store import save_request
from bench.records import store
from bench.records.folder_guard import guard_folder
from bench.runner.backends import local, ray_cluster, torchrun
from bench.runner.pending import find_missing_jobs
from bench.runner.scheduler import Event, run
from bench.runner.task import RunOptions, Submit
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Timing
from bench.system import cpu_load, devices
from bench.tracking.address import configured_address
from bench.tracking.retry_queue import RetryQueue
from commands.ending import show_ending
from commands.options import cluster_connection, make_request, plans_for_gpus, uses_cluster
from commands.progress import Display
from reports.live_report import LiveReport, ReportWriter


def run_studies(options: argparse.Namespace, console: Console) -> int:
    """Run the studies; return the exit status, 1 if a job failed."""
    if plans_for_gpus(options):
        raise InputError(f"--cluster is {options.cluster!r}: expected an address; a number is for `ablate plan` only")
    if options.cluster is not None and torchrun.process_count() > 1:
        raise InputError("torchrun and --cluster cannot be combined: use one of them")
    with cluster_connection(options):
        status = _run(options, console)
    if torchrun.process_count() > 1:
        torchrun.exit_process(status)
    return status


def _run(options: argparse.Namespace, console: Console) -> int:
    limit_s = float("inf") if options.limit is None else _seconds(options.limit)
    request, durations = make_request(options, console, writes=True)
    if options.until_decided:
        request = request._replace(setting=request.setting._replace(extra_seeds={}))
    if not torchrun.is_leader():
        return torchrun.follow(request.setting.device, request.source)
    out, deadline = options.out, time.time() + limit_s
    console.print(f"Report: {out / 'reports' / 'report.html'}, renewed while the run works")
    agenda = Agenda(request, out, options.retry_failed)
    console.print(f"{agenda.total - len(agenda.expected_jobs)} of {agenda.total} jobs are done already")
    queue = RetryQueue(out, request.setting.profile.name, partial(console.print, style="yellow"))
    with guard_folder(out) as check_folder:
        with _open_backend(options, request, console) as (submit, workers):
            run_options = RunOptions(
                source=request.source,
                out=out,
                workers=workers,
                keeps_weights=agenda.keeps_weights,
                deadline=deadline,
                expected_s=durations.predict_s,
                follow_up=partial(_follow_up, agenda),
                submit=submit,
            )
            display = Display(console, agenda, durations, workers)
            with display.screen, LiveReport(ReportWriter(out), console) as live:
                for event in _perform_jobs(agenda, run_options, options):
                    check_folder()  # publishing would make it again
                    display.show(event)
                    live.update(event)
                    if event.record is not None:
                        queue.publish(event.record, agenda.arms)
        check_folder()
        queue.publish_all(agenda.arms)
        status = show_ending(options, agenda, queue, console)
        # A server that is away is no failure; the database in the output folder cannot be away
        unpublished = queue.is_installed and bool(queue.waiting) and not configured_address()
        return status or int(unpublished)


def _perform_jobs(agenda: Agenda, run_options: RunOptions, options: argparse.Namespace) -> Iterator[Event]:
    """Perform all jobs but timings, with the seeds that undecided claims get, and then the timings."""
    has_more_jobs = True
    while has_more_jobs:
        _check_jobs(options, agenda.request, agenda.missing_jobs)
        save_request(agenda.request, agenda.out)
        yield from run(_without_timings(agenda.missing_jobs), run_options)
        has_more_jobs = options.until_decided and time.time() < run_options.deadline and _add_seeds(agenda)
    timings = [job for job in agenda.missing_jobs if isinstance(job, Timing)]
    records = {timing: store.read(agenda.out, timing) for timing in timings}
    yield from run([job for job, record in records.items() if not record or store.is_failure(record)], run_options)
    unfit_timings = find_missing_jobs(timings, agenda.out)  # a limit may have left others, which start no more
    if unfit_timings and time.time() < run_options.deadline and cpu_load.is_quiet():
        yield from run(unfit_timings, run_options)


def _follow_up(agenda: Agenda, job: Job) -> Sequence[Job] | None:
    """Note in the agenda that a job has ended; return the jobs to run from now on, timings excepted, or None."""
    jobs = agenda.end(job)
    return None if jobs is None else _without_timings(jobs)


def _without_timings(jobs: Iterable[Job]) -> list[Job]:
    return [job for job in jobs if not isinstance(job, Timing)]


def _add_seeds(agenda: Agenda) -> bool:
    """Add the seeds that undecided claims get for their next interim analysis; return whether there are any."""
    from reports.evidence import gather  # imported late: it takes seconds, and every worker imports this file
    from reports.statistics.extra_seeds import request_extra_seeds

    request, total = agenda.request, agenda.total
    evidence = gather(agenda.out, request.studies, request.setting)
    extra_seeds = request_extra_seeds(evidence.studies, evidence.setting, evidence.judgements)
    agenda.plan(request._replace(setting=request.setting._replace(extra_seeds=extra_seeds)))
    return agenda.total > total


def _open_backend(
    options: argparse.Namespace, request: Request, console: Console
) -> AbstractContextManager[tuple[Submit | None, int]]:
    """Provide a backend's function (None for a pool of local processes) and the number of parallel jobs."""
    device = request.setting.device
    if torchrun.process_count() > 1:
        return torchrun.lead(device)
    if uses_cluster(options):
        return ray_cluster.open_slots(request.source, options.out, device, console.print)
    return nullcontext((None, options.workers or devices.worker_count(device)))


def _check_jobs(options: argparse.Namespace, request: Request, jobs: list[Job]) -> None:
    """Raise InputError if the backend cannot perform a job."""
    if uses_cluster(options):
        ray_cluster.check_jobs(jobs, request.setting.device)
    else:
        local.check_jobs(jobs)
        torchrun.check_jobs(jobs, request.source)


def _seconds(limit: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", limit)
    if not match:
        raise InputError(f"--limit is {limit!r}: expected 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]
