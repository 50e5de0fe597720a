"""`ablate run`: perform the missing jobs, publish their records and write the report."""

import argparse
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console

from ablations.framework.request import Request
from ablations.framework.request_store import REQUEST_FILE, save_request
from bench.records import store
from bench.records.folder_guard import guard_folder
from bench.runner.backends import local, ray_cluster, torchrun
from bench.runner.pending import find_missing_jobs, select_kept_trials
from bench.runner.scheduler import Event, RunOptions, run
from bench.runner.task import Submit
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import devices
from bench.tracking.address import configured_address
from bench.tracking.retry_queue import Places, RetryQueue
from commands.options import cluster_connection, make_request, plans_for_gpus, uses_cluster
from commands.progress import Display
from reports.text.formatting import pluralize


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
    queue = RetryQueue(out, request.setting.profile.name, partial(console.print, style="yellow"))
    titles, retry_failed = dict[Job, str](), options.retry_failed
    with guard_folder(out) as check_folder:
        with _open_backend(options, request, console) as (submit, workers):
            # A finished tuning adds jobs
            while (request := request.with_tuned_levels(out)).job_titles().keys() - titles.keys():
                titles |= request.job_titles()
                missing_jobs, retry_failed = find_missing_jobs(list(titles), out, retry_failed), False
                _check_jobs(options, request, missing_jobs)
                save_request(request, out)
                tuning_text = f"; tuning will add about {count}" if (count := _count_later_jobs(request, out)) else ""
                done_count = len(titles) - len(missing_jobs)
                console.print(f"{done_count} of {len(titles)} jobs are done already{tuning_text}")
                kept_trials = select_kept_trials(list(titles), missing_jobs)
                run_options = RunOptions(
                    request.source, out, workers, kept_trials, deadline, durations.predict_s, submit
                )
                display = Display(console, missing_jobs, titles, durations, workers)
                _follow(run(missing_jobs, run_options), display, queue, request.arms_by_identity(), check_folder)
                if options.until_decided and time.time() < deadline:
                    request = _add_seeds(request, out)
        check_folder()
        queue.publish_all(request.arms_by_identity())
        _publish_report(queue, request, out, console)
        status = _print_outcome(titles, _count_later_jobs(request, out), out, console)
        # only a server may be away
        unpublished = queue.is_installed and bool(queue.waiting) and not configured_address()
        return status or int(unpublished)


def _count_later_jobs(request: Request, out: Path) -> int:
    """Estimate the number of jobs that will follow from unfinished tuning."""
    return len(request.with_tuned_levels(out, assume_missing=True).job_titles()) - len(request.job_titles())


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


def _follow(
    events: Iterable[Event], display: Display, queue: RetryQueue, places: Places, check_folder: Callable[[], None]
) -> None:
    """Show every event and publish every record."""
    with display.screen:
        for event in events:
            check_folder()  # publishing would make it again
            display.show(event)
            if event.record is not None:
                queue.publish(event.record, places)


def _add_seeds(request: Request, out: Path) -> Request:
    """Add the seeds that undecided claims get for their next interim analysis."""
    from reports.evidence import gather  # imported late: it takes seconds, and every worker imports this file
    from reports.statistics.extra_seeds import request_extra_seeds

    evidence = gather(out, request.studies, request.setting)
    extra_seeds = request_extra_seeds(evidence.studies, evidence.setting, evidence.judgements)
    return request._replace(setting=request.setting._replace(extra_seeds=extra_seeds))


def _publish_report(queue: RetryQueue, request: Request, out: Path, console: Console) -> None:
    from reports import terminal  # imported late, as above

    files = terminal.show_report(request, out, console)
    name = f"({request.setting.profile.name}, {request.source.data.name})"
    queue.publish_report(name, [*files, out / REQUEST_FILE])
    if queue.publisher:
        console.print(f"Compare the runs in MLflow: {sys.argv[0]} ui --out {shlex.quote(str(out))}")


def _print_outcome(titles: dict[Job, str], later_jobs: int, out: Path, console: Console) -> int:
    """Print the failures and the number of jobs without a record; return the exit status."""
    records = {job: store.read(out, job) for job in titles}
    failures = {job: record for job, record in records.items() if record and store.is_failure(record)}
    for job, record in failures.items():
        console.print(f"{record['status']}: {titles[job]}: {record['reason']}", style="red")
    if failures:
        pronoun = "it" if len(failures) == 1 else "them"
        console.print(f"{pluralize(len(failures), 'job')} failed. Rerun {pronoun} with `--retry-failed`.")
    if missing := sum(record is None for record in records.values()):
        tuning_text = f" for them, then about {later_jobs} that follow from tuning" * bool(later_jobs)
        probes_text = "; probes of the failed trials wait for them" * bool(failures)
        text = f"{pluralize(missing, 'job')} without a record yet: run the same command again"
        console.print(f"{text}{tuning_text}{probes_text}")
    return 1 if failures else 0


def _seconds(limit: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", limit)
    if not match:
        raise InputError(f"--limit is {limit!r}: expected 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]
