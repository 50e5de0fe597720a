"""`ablate run`: perform the missing jobs, publish their records and write the report."""

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from rich.console import Console

from ablations.framework.agenda import Agenda
from ablations.framework.request import Request
from ablations.framework.request_store import save_request
from ablations.framework.seeds import has_interim_analyses
from ablations.framework.waves import CHECKS, FURTHER, NAMED, STATED
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
from commands.ending import Ending, end_run
from commands.interface import Interface, TerminalInterface
from commands.json_events import JsonInterface
from commands.options import cluster_connection, make_request, plans_for_gpus, uses_cluster
from commands.progress import RunProgress
from reports.live_report import LiveReport, ReportWriter


def run_studies(options: argparse.Namespace, console: Console) -> int:
    """Run the studies; return the exit status, 1 if a job failed."""
    interface = JsonInterface(options, console) if options.json else TerminalInterface(options, console)
    status = perform_run(options, interface).status
    options.events.end(status, out=options.out)
    if torchrun.process_count() > 1:
        torchrun.exit_process(status)
    return status


def perform_run(options: argparse.Namespace, interface: Interface) -> Ending:
    """Run the studies, showing it by the interface."""
    if plans_for_gpus(options):
        raise InputError(f"--cluster is {options.cluster!r}: expected an address; a number is for `ablate plan` only")
    if options.cluster is not None and torchrun.process_count() > 1:
        raise InputError("torchrun and --cluster cannot be combined: use one of them")
    with cluster_connection(options):
        return _run(options, interface)


def _run(options: argparse.Namespace, interface: Interface) -> Ending:
    console = interface.console
    limit_s = float("inf") if options.limit is None else _seconds(options.limit)
    request, durations = make_request(options, console, writes=True)
    if not torchrun.is_leader():
        return Ending(torchrun.follow(request.setting.device, request.source))
    out, deadline = options.out, time.time() + limit_s
    console.print(f"Report: {out / 'reports' / 'report.html'}, renewed while the run works")
    agenda = Agenda(request, out, options.retry_failed)
    bound = "at most " * agenda.has_open_looks
    console.print(f"{agenda.total - len(agenda.expected_jobs)} of {bound}{agenda.total} jobs are done already")
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
                follow_up=agenda.end,
                submit=submit,
            )
            display = interface.open_display(RunProgress(agenda, durations, workers))
            with display.screen, LiveReport(ReportWriter(out), console) as live:
                for event in _perform_jobs(agenda, run_options, options, live):
                    check_folder()  # publishing would make it again
                    display.show(event)
                    live.update(event)
                    if event.record is not None:
                        queue.publish(event.record, agenda.arms)
        check_folder()
        queue.publish_all(agenda.arms)
        ending = end_run(options, agenda, queue, interface)
        # A server that is away is no failure; the database in the output folder cannot be away
        unpublished = queue.is_installed and bool(queue.waiting) and not configured_address()
        return ending._replace(status=ending.status or int(unpublished))


def _perform_jobs(
    agenda: Agenda, run_options: RunOptions, options: argparse.Namespace, live: LiveReport
) -> Iterator[Event]:
    """Perform the jobs wave by wave; further looks follow each other until no claim requests more seeds."""
    for wave in (NAMED, STATED, FURTHER):
        yield from _perform_wave(wave, agenda, run_options, options, live)
    while time.time() < run_options.deadline and _add_seeds(agenda):
        yield from _perform_wave(FURTHER, agenda, run_options, options, live)
    yield from _perform_wave(CHECKS, agenda, run_options, options, live)
    timings = [job for job in agenda.titles if isinstance(job, Timing)]
    unfit_timings = [job for job in find_missing_jobs(timings, agenda.out) if store.path(agenda.out, job).exists()]
    if unfit_timings and time.time() < run_options.deadline and cpu_load.is_quiet():
        yield from run(unfit_timings, run_options)


def _perform_wave(
    wave: int, agenda: Agenda, run_options: RunOptions, options: argparse.Namespace, live: LiveReport
) -> Iterator[Event]:
    """Perform the jobs of a wave, then renew the report."""
    agenda.wave = wave
    _check_jobs(options, agenda.request, agenda.missing_jobs)
    save_request(agenda.request, agenda.out)
    jobs = agenda.wave_jobs()
    yield from run(jobs, run_options)  # without jobs, too, because it removes what a killed run left behind
    if jobs:
        live.renew_now()


def _add_seeds(agenda: Agenda) -> bool:
    """Add the seeds that undecided claims get for their next interim analysis; return whether there are any."""
    request = agenda.request
    if not any(has_interim_analyses(study, request.setting) for study in request.studies):
        return False
    from reports.evidence import gather  # imported late: it takes seconds, and every worker imports this file
    from reports.statistics.extra_seeds import request_extra_seeds

    evidence = gather(agenda.out, request.studies, request.setting)
    return agenda.add_seeds(request_extra_seeds(evidence.studies, evidence.setting, evidence.judgements))


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
