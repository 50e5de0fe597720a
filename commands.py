"""What each command does: the one place that knows bench, ablations and reports. Each returns its exit status."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablations import catalogue
from ablations.memory import check, recall, remember
from ablations.placed import jobs
from ablations.profiles import PROFILES, automatic
from ablations.request import Request, setting
from bench import cluster, devices, display, doctor, plan, records, transfer
from bench.data import locate
from bench.delivery import Delivery
from bench.pool import Schedule
from bench.run import Event, run
from bench.sources import line
from bench.spec import BadInput, Job
from bench.todo import kept, missing
from bench.ui import serve
from reports.units import counted


def list_studies(options: argparse.Namespace, console: Console) -> int:
    for study in catalogue.find([]):
        console.print(Text.assemble((study.name, "bold"), f"  {study.question}"))
        for claim in study.claims:
            console.print(f"    {claim.id}: {claim.sentence}", highlight=False, markup=False)
    return 0


def show_plan(options: argparse.Namespace, console: Console) -> int:
    from reports.planning import prospects  # only here, as below

    request, pace = _request(options)
    request = request.settled(options.out, assume=True)
    asked, workers = list(request.titles()), devices.workers(request.setting.device)
    todo = missing(asked, options.out)
    _introduce(request, console)
    for study in request.studies:
        own = dict.fromkeys(place.job for place in jobs(study, request.setting))
        lacking = [job for job in todo if job in own]
        left = display.duration(pace.left(lacking, workers))
        console.print(f"{study.name:<14} {len(own):>4} jobs, {len(own) - len(lacking):>4} done, about {left} left")
        for claim, told in prospects(study, request.setting, options.out):
            console.print(Text(f"    {claim}: {told}"), highlight=False, soft_wrap=True)
    size, left = plan.disk_mb(todo, kept(asked, todo)), display.duration(pace.left(todo, workers))
    console.print(
        f"{len(todo)} jobs to run (a job that studies share counts once) on {workers} workers: "
        f"about {left} and {size:.0f} MB in {options.out}"
    )
    console.print("What seeds can decide is meant four times in five, at p = .05 before Holm's correction.")
    return 0


def run_studies(options: argparse.Namespace, console: Console) -> int:
    with cluster.connected(options.cluster) if options.cluster is not None else nullcontext():
        return _run_studies(options, console)


def _run_studies(options: argparse.Namespace, console: Console) -> int:
    limit = float("inf") if options.limit is None else _seconds(options.limit)
    request, pace = _request(options)
    if options.until_decided:
        request = request._replace(setting=request.setting._replace(further={}))
    out, deadline, kind = options.out, time.time() + limit, request.setting.device
    _introduce(request, console)
    delivery = Delivery(out, request.setting.profile.name, partial(console.print, markup=False, style="yellow"))
    asked, retry = dict[Job, str](), options.retry_failed
    with _workers(options, request, console) as (schedule, workers):
        while (request := request.settled(out)).titles().keys() - asked.keys():  # what was found may ask for more
            asked |= request.titles()
            todo, retry = missing(list(asked), out, retry), False
            devices.demand(todo) if schedule is None else cluster.demand(todo, kind)
            remember(request, out)
            console.print(f"{len(asked) - len(todo)} of {len(asked)} jobs are done already", highlight=False)
            keep = kept(list(asked), todo)
            events = run(todo, keep, request.source, out, workers, deadline, pace.seconds, schedule)
            _follow(events, display.Display(console, todo, asked, pace, workers), delivery, request)
            if options.until_decided and time.time() < deadline:
                request = _further(request, out)
    delivery.deliver_all(request.places())
    _publish_report(delivery, request, out, console)
    unpublished = bool(delivery.due) and not os.environ.get("MLFLOW_TRACKING_URI")  # a server may be away, a file not
    return _end(asked, out, console) or int(unpublished and delivery.installed)


def _workers(
    options: argparse.Namespace, request: Request, console: Console
) -> AbstractContextManager[tuple[Schedule | None, int]]:
    """What has jobs performed, where that is a cluster, and how many at once."""
    kind = request.setting.device
    if options.cluster is not None:
        tell = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        return cluster.opened(request.source, options.out, kind, tell)
    return nullcontext((None, devices.workers(kind)))


def _follow(events: Iterable[Event], shown: display.Display, delivery: Delivery, request: Request) -> None:
    places = request.places()
    with shown:
        for event in events:
            shown.show(event)
            if event.record is not None:
                delivery.deliver(event.record, places)


def _further(request: Request, out: Path) -> Request:
    """With the seeds that undecided claims get for their next look."""
    from reports import evidence, further  # only here, as below

    found = further.further(evidence.gather(out, request.studies, request.setting))
    return request._replace(setting=request.setting._replace(further=found))


def _publish_report(delivery: Delivery, request: Request, out: Path, console: Console) -> None:
    from reports import terminal  # only here: it takes seconds, and every worker imports this file

    files = terminal.report(request, out, console)
    name = f"({request.setting.profile.name}, {request.source.data.name})"
    delivery.deliver_report(name, [*files, out / records.REQUEST])
    if delivery.publisher:
        folder = shlex.quote(str(out))
        where = "" if folder == "out" else f" OUT={folder}"
        console.print(f"Compare the runs in MLflow: make ui{where}, or {sys.argv[0]} ui --out {folder}", soft_wrap=True)


def report(options: argparse.Namespace, console: Console) -> int:
    from reports import terminal  # only here, as above

    request = recall(options.out, options.studies)
    if options.check:
        return terminal.compare(request, options.check, options.out, console)
    terminal.report(request, options.out, console)
    return 0


def ui(options: argparse.Namespace, console: Console) -> int:
    return serve(options.out, options.port, partial(console.print, soft_wrap=True))


def export(options: argparse.Namespace, console: Console) -> int:
    count, left = transfer.pack(options.out, options.file, options.weights)
    told = f"; {left} damaged or of another version left out (see: ablate doctor)" if left else ""
    console.print(Text(f"{count} records in {options.file}{told}"), soft_wrap=True)
    return 0


def import_records(options: argparse.Namespace, console: Console) -> int:
    taken = transfer.take(options.origin, options.out, options.weights)
    for refused in taken.refused:
        console.print(Text(f"refused: {refused}", style="yellow"), soft_wrap=True)
    for name in taken.studies:
        told = f"the study {name} is not taken along: name your own copy of the file to report on it"
        console.print(Text(line(told), style="yellow"), soft_wrap=True)
    told = f"{len(taken.new)} records imported, {len(taken.known)} were here, {len(taken.refused)} refused"
    console.print(told, highlight=False)
    return 1 if taken.refused else 0


def pack(options: argparse.Namespace, console: Console) -> int:
    """Exit status 1 where a photograph cannot be read: the others are packed."""
    from bench import pack as packing  # only here: it imports torch

    tally, told = Counter[str](), ""
    with console.status("") as status:
        for one in packing.pack(options.folder, options.target, options.side):
            tally[one.what] += 1
            told = f"{tally['packed']:,} packed, {tally['there']:,} were there, {tally['broken']:,} left out"
            status.update(told)
            if one.reason:
                console.print(Text(f"left out: {one.reason}", style="yellow"), soft_wrap=True)
    console.print(Text(f"{told}; in {options.target}"), highlight=False, soft_wrap=True)
    return 1 if tally["broken"] else 0


def see_doctor(options: argparse.Namespace, console: Console) -> int:
    """Exit status 1 while something is broken, stale or orphaned."""
    if not options.out.is_dir():
        raise BadInput(f"there is no folder {options.out}: nothing was run into it yet")
    ill, mendable = 0, 0
    for finding in doctor.examine(options.out):
        mended = options.mend and finding.mend is not None
        if mended and finding.mend:
            finding.mend()
        if not mended and finding.state not in ("pending", "running", "earlier"):
            ill, mendable = ill + 1, mendable + (finding.mend is not None)
        console.print(Text(f"{'mended' if mended else finding.state:<8} {finding.what}"), soft_wrap=True)
    how = f"ablate doctor --mend mends {mendable}" if mendable else "each line says how"
    console.print(f"{ill} to mend: {how}" if ill else "healthy", highlight=False)
    return 1 if ill else 0


def _end(names: dict[Job, str], out: Path, console: Console) -> int:
    """What came to nothing, and what is left; the exit status."""
    found = {job: records.read(out, job) for job in names}
    failed = {job: record for job, record in found.items() if record and records.failed(record)}
    for job, record in failed.items():
        console.print(Text(f"{record['status']}: {names[job]}: {record['reason']}", style="red"))
    if failed:
        console.print(f"{counted(len(failed), 'job')} came to nothing; --retry-failed runs exactly those again")
    if left := sum(record is None for record in found.values()):
        waits = ", but for probes that wait for what came to nothing" * bool(failed)
        console.print(f"{counted(left, 'job')} without a record yet: the same command runs exactly those{waits}")
    return 1 if failed else 0


def _request(options: argparse.Namespace) -> tuple[Request, plan.Pace]:
    """What the options name, checked before anything is trained, and the pace of what was."""
    if options.seeds is not None and options.seeds < 1:
        raise BadInput(f"--seeds is {options.seeds}: it must be 1 or more; below 5 hardly a claim can be decided")
    studies = catalogue.find(options.studies)
    device = (cluster if getattr(options, "cluster", None) else devices).choose(options.device)
    profile = automatic(device) if options.profile == "auto" else options.profile
    source = locate(options.data, options.out, PROFILES[profile].photographs)
    try:
        (options.out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{options.out} cannot be made ({error.strerror}): name another folder with --out") from error
    request = Request(tuple(options.studies), studies, setting(profile, options.seeds, source.data, device), source)
    return request, check(request, options.out)


def _introduce(request: Request, console: Console) -> None:
    setting, source = request.setting, request.source
    if source.note:
        console.print(Text(f"Note: {source.note}", style="bold yellow"))
    console.print(
        f"{source.data.name}: {source.data.train} train, {source.validation} validation, {source.test} test images; "
        f"profile {setting.profile.name}, {setting.seeds or setting.profile.seeds} seeds, device {setting.device}",
        highlight=False,
    )


def _seconds(limit: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", limit)
    if not match:
        raise BadInput(f"--limit is {limit!r}: write 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]
