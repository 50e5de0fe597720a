"""`ablate run`: who performs the jobs, what becomes of their records."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablations.framework.request import Request
from ablations.framework.request_store import REQUEST_FILE, save_request
from bench.records import store
from bench.runner.backends import ray_cluster, torchrun
from bench.runner.backends.local import Schedule
from bench.runner.pending import kept, missing
from bench.runner.scheduler import Event, run
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import devices
from bench.tracking.retry_queue import RetryQueue
from commands import progress
from commands.options import clustered, imagined, in_cluster, introduce, requested
from reports.text.formatting import pluralize


def run_studies(options: argparse.Namespace, console: Console) -> int:
    if imagined(options):
        raise InputError(f"--cluster is {options.cluster!r}: a number is enough for a plan, a run needs an address")
    if options.cluster is not None and torchrun.processes() > 1:
        raise InputError("torchrun puts several processes to a trial, --cluster a trial to a process: take one of them")
    return in_cluster(options, _run, console)


def _run(options: argparse.Namespace, console: Console) -> int:
    limit = float("inf") if options.limit is None else _seconds(options.limit)
    request, pace = requested(options)
    if options.until_decided:
        request = request._replace(setting=request.setting._replace(extra_seeds={}))
    if not torchrun.leads():
        return torchrun.follow(request.setting.device, request.source)
    out, deadline = options.out, time.time() + limit
    introduce(request, console)
    queue = RetryQueue(out, request.setting.profile.name, partial(console.print, markup=False, style="yellow"))
    asked, retry = dict[Job, str](), options.retry_failed
    with _performers(options, request, console) as (schedule, workers):
        # Tuning that has finished adds jobs
        while (request := request.with_tuned_levels(out)).job_titles().keys() - asked.keys():
            asked |= request.job_titles()
            todo, retry = missing(list(asked), out, retry), False
            _demand(options, request, todo)
            save_request(request, out)
            more = f"; tuning asks for about {later} more" if (later := _later(request, out)) else ""
            console.print(f"{len(asked) - len(todo)} of {len(asked)} jobs are done already{more}", highlight=False)
            keep = kept(list(asked), todo)
            events = run(todo, keep, request.source, out, workers, deadline, pace.seconds, schedule)
            _follow(events, progress.Display(console, todo, asked, pace, workers), queue, request)
            if options.until_decided and time.time() < deadline:
                request = _further(request, out)
    queue.publish_all(request.arms_by_identity())
    _publish_report(queue, request, out, console)
    unpublished = bool(queue.waiting) and not os.environ.get("MLFLOW_TRACKING_URI")  # a server may be away, a file not
    return _end(asked, _later(request, out), out, console) or int(unpublished and queue.installed)


def _later(request: Request, out: Path) -> int:
    """How many jobs follow what tuning has yet to find, as far as can be told."""
    return len(request.with_tuned_levels(out, assume_missing=True).job_titles()) - len(request.job_titles())


def _performers(
    options: argparse.Namespace, request: Request, console: Console
) -> AbstractContextManager[tuple[Schedule | None, int]]:
    """Who performs jobs, where that is not a pool of processes, and how many at once."""
    device = request.setting.device
    if torchrun.processes() > 1:
        return torchrun.led(device)
    if clustered(options):
        tell = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        return ray_cluster.opened(request.source, options.out, device, tell)
    return nullcontext((None, devices.workers(device)))


def _demand(options: argparse.Namespace, request: Request, todo: list[Job]) -> None:
    """Raises InputError where a job cannot be performed."""
    if clustered(options):
        ray_cluster.demand(todo, request.setting.device)
    else:
        devices.demand(todo)
        torchrun.demand(todo, request.source)


def _follow(events: Iterable[Event], shown: progress.Display, queue: RetryQueue, request: Request) -> None:
    places = request.arms_by_identity()
    with shown:
        for event in events:
            shown.show(event)
            if event.record is not None:
                queue.publish(event.record, places)


def _further(request: Request, out: Path) -> Request:
    """With the seeds that undecided claims get for their next look."""
    from reports import evidence
    from reports.statistics import further_seeds  # only here, as below

    found = further_seeds.further(evidence.gather(out, request.studies, request.setting))
    return request._replace(setting=request.setting._replace(extra_seeds=found))


def _publish_report(queue: RetryQueue, request: Request, out: Path, console: Console) -> None:
    from reports import terminal  # only here: it takes seconds, and every worker imports this file

    files = terminal.show_report(request, out, console)
    name = f"({request.setting.profile.name}, {request.source.data.name})"
    queue.publish_report(name, [*files, out / REQUEST_FILE])
    if queue.publisher:
        folder = shlex.quote(str(out))
        where = "" if folder == "out" else f" OUT={folder}"
        console.print(f"Compare the runs in MLflow: make ui{where}, or {sys.argv[0]} ui --out {folder}", soft_wrap=True)


def _end(names: dict[Job, str], later: int, out: Path, console: Console) -> int:
    """What came to nothing, and what is left, `later` of it not known yet; the exit status."""
    found = {job: store.read(out, job) for job in names}
    failed = {job: record for job, record in found.items() if record and store.failed(record)}
    for job, record in failed.items():
        console.print(Text(f"{record['status']}: {names[job]}: {record['reason']}", style="red"))
    if failed:
        console.print(f"{pluralize(len(failed), 'job')} came to nothing; --retry-failed runs exactly those again")
    if left := sum(record is None for record in found.values()):
        waits = ", but for probes that wait for what came to nothing" * bool(failed)
        more = f", then about {later} that follow from tuning" * bool(later)
        console.print(
            f"{pluralize(left, 'job')} without a record yet: the same command runs exactly those{more}{waits}"
        )
    return 1 if failed else 0


def _seconds(limit: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", limit)
    if not match:
        raise InputError(f"--limit is {limit!r}: write 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]
