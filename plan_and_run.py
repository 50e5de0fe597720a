"""`ablate plan` and `ablate run`: what is asked, who performs it, what becomes of it. Each returns its exit status."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablations import catalogue
from ablations.memory import check, remember
from ablations.profiles import PROFILES, automatic
from ablations.request import Request, setting
from bench import cluster, devices, display, plan, records, torchrun
from bench.data import locate
from bench.delivery import Delivery
from bench.pool import Schedule
from bench.run import Event, run
from bench.spec import BadInput, Job
from bench.todo import kept, missing
from reports.units import counted


def show_plan(options: argparse.Namespace, console: Console) -> int:
    return _in_cluster(options, _plan, console)


def run_studies(options: argparse.Namespace, console: Console) -> int:
    if _imagined(options):
        raise BadInput(f"--cluster is {options.cluster!r}: a number is enough for a plan, a run needs an address")
    if options.cluster is not None and torchrun.processes() > 1:
        raise BadInput("torchrun puts several processes to a trial, --cluster a trial to a process: take one of them")
    return _in_cluster(options, _run, console)


def _in_cluster(options: argparse.Namespace, command: Callable[..., int], console: Console) -> int:
    with cluster.connected(options.cluster) if _clustered(options) else nullcontext():
        return command(options, console)


def _clustered(options: argparse.Namespace) -> bool:
    return options.cluster is not None and not _imagined(options)


def _imagined(options: argparse.Namespace) -> bool:
    """Whether a cluster is told by its number of GPUs, or of processors, alone: enough for a plan."""
    return (options.cluster or "").isdecimal()


def _plan(options: argparse.Namespace, console: Console) -> int:
    request, pace = _request(options)
    workers = _workers(options, request.setting.device)
    request = request.settled(options.out, assume=True)
    asked = list(request.titles())
    todo = missing(asked, options.out)
    _introduce(request, console)
    _show_studies(request, options.out, todo, pace, workers, console)
    size, around = plan.disk_mb(todo, kept(asked, todo)), plan.around(len(request.studies))
    left, anew = (display.duration(pace.left(some, workers) + around) for some in (todo, asked))
    sharing = f" ({devices.TRIALS_SHARING} a GPU, beside NVIDIA's Multi-Process Service)" * _imagined(options)
    sharing *= request.setting.device == "cuda"
    anew = f" (all {len(asked)} anew: about {anew})" * (len(todo) < len(asked))
    console.print(
        f"{len(todo)} jobs to run (a job that studies share counts once), {workers} at once{sharing}: "
        f"about {left}{anew} and {size:.0f} MB in {options.out}"
    )
    if pace.guesses(todo):
        console.print(
            f"No trial on a {request.setting.device} is done here yet, so the time is a rule of thumb: run a little "
            "(--limit 5m), plan again."
        )
    console.print("What seeds can decide is meant four times in five, at p = .05 before Holm's correction.")
    return 0


def _workers(options: argparse.Namespace, device: str) -> int:
    if _imagined(options):
        found = devices.at_once(device, int(options.cluster))
    else:
        found = cluster.slots(device) if _clustered(options) else devices.workers(device)
    if not found:
        raise BadInput(f"--cluster {options.cluster} has nothing that a job for {device} could run on")
    return found


def _show_studies(
    request: Request, out: Path, todo: list[Job], pace: plan.Pace, workers: int, console: Console
) -> None:
    from reports.planning import prospects  # only here, as below

    placed = request.placed()  # with what tuning tries
    for study in request.studies:
        own = dict.fromkeys(place.job for place in placed if place.study == study.name)
        lacking = [job for job in todo if job in own]
        left = display.duration(pace.left(lacking, workers))
        console.print(f"{study.name:<14} {len(own):>4} jobs, {len(own) - len(lacking):>4} done, about {left} left")
        for claim, told in prospects(study, request.setting, out):
            console.print(Text(f"    {claim}: {told}"), highlight=False, soft_wrap=True)


def _run(options: argparse.Namespace, console: Console) -> int:
    limit = float("inf") if options.limit is None else _seconds(options.limit)
    request, pace = _request(options)
    if options.until_decided:
        request = request._replace(setting=request.setting._replace(further={}))
    if not torchrun.leads():
        return torchrun.follow(request.setting.device, request.source)
    out, deadline = options.out, time.time() + limit
    _introduce(request, console)
    delivery = Delivery(out, request.setting.profile.name, partial(console.print, markup=False, style="yellow"))
    asked, retry = dict[Job, str](), options.retry_failed
    with _performers(options, request, console) as (schedule, workers):
        while (request := request.settled(out)).titles().keys() - asked.keys():  # what was found may ask for more
            asked |= request.titles()
            todo, retry = missing(list(asked), out, retry), False
            _demand(options, request, todo)
            remember(request, out)
            more = f"; tuning asks for about {later} more" if (later := _later(request, out)) else ""
            console.print(f"{len(asked) - len(todo)} of {len(asked)} jobs are done already{more}", highlight=False)
            keep = kept(list(asked), todo)
            events = run(todo, keep, request.source, out, workers, deadline, pace.seconds, schedule)
            _follow(events, display.Display(console, todo, asked, pace, workers), delivery, request)
            if options.until_decided and time.time() < deadline:
                request = _further(request, out)
    delivery.deliver_all(request.places())
    _publish_report(delivery, request, out, console)
    unpublished = bool(delivery.due) and not os.environ.get("MLFLOW_TRACKING_URI")  # a server may be away, a file not
    return _end(asked, _later(request, out), out, console) or int(unpublished and delivery.installed)


def _later(request: Request, out: Path) -> int:
    """How many jobs follow what tuning has yet to find, as far as can be told."""
    return len(request.settled(out, assume=True).titles()) - len(request.titles())


def _performers(
    options: argparse.Namespace, request: Request, console: Console
) -> AbstractContextManager[tuple[Schedule | None, int]]:
    """Who performs jobs, where that is not a pool of processes, and how many at once."""
    device = request.setting.device
    if torchrun.processes() > 1:
        return torchrun.led(device)
    if _clustered(options):
        tell = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        return cluster.opened(request.source, options.out, device, tell)
    return nullcontext((None, devices.workers(device)))


def _demand(options: argparse.Namespace, request: Request, todo: list[Job]) -> None:
    """Raises BadInput where a job cannot be performed."""
    if _clustered(options):
        cluster.demand(todo, request.setting.device)
    else:
        devices.demand(todo)
        torchrun.demand(todo, request.source)


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


def _end(names: dict[Job, str], later: int, out: Path, console: Console) -> int:
    """What came to nothing, and what is left, `later` of it not known yet; the exit status."""
    found = {job: records.read(out, job) for job in names}
    failed = {job: record for job, record in found.items() if record and records.failed(record)}
    for job, record in failed.items():
        console.print(Text(f"{record['status']}: {names[job]}: {record['reason']}", style="red"))
    if failed:
        console.print(f"{counted(len(failed), 'job')} came to nothing; --retry-failed runs exactly those again")
    if left := sum(record is None for record in found.values()):
        waits = ", but for probes that wait for what came to nothing" * bool(failed)
        more = f", then about {later} that follow from tuning" * bool(later)
        console.print(f"{counted(left, 'job')} without a record yet: the same command runs exactly those{more}{waits}")
    return 1 if failed else 0


def _request(options: argparse.Namespace) -> tuple[Request, plan.Pace]:
    """What the options name, checked before anything is trained, and the pace of what was."""
    if options.seeds is not None and options.seeds < 1:
        raise BadInput(f"--seeds is {options.seeds}: it must be 1 or more; below 5 hardly a claim can be decided")
    studies = catalogue.find(options.studies)
    device = _device(options)
    profile = automatic(device) if options.profile == "auto" else options.profile
    source = locate(options.data, options.out, PROFILES[profile].photographs)
    try:
        (options.out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{options.out} cannot be made ({error.strerror}): name another folder with --out") from error
    request = Request(tuple(options.studies), studies, setting(profile, options.seeds, source.data, device), source)
    return request, check(request, options.out)


def _device(options: argparse.Namespace) -> str:
    if _imagined(options):
        return "cpu" if options.device == "cpu" else "cuda"
    return (cluster if _clustered(options) else devices).choose(options.device)


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
