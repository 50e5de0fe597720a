"""The command: `ablate --help` lists what it can do. The one place that knows bench, ablations and reports."""

from __future__ import annotations

import argparse
import errno
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ablations import catalogue
from ablations.placed import Placed, jobs
from ablations.profiles import PROFILES, automatic
from ablations.request import Request, check, recall, remember, setting
from bench import devices, display, doctor, plan, records, transfer
from bench.data import locate
from bench.delivery import Delivery
from bench.files import FULL
from bench.run import run
from bench.spec import BadInput, Job, Trial, kind
from bench.todo import missing
from bench.ui import serve

UNUSABLE = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR)  # of a file that was named

EXAMPLES = """examples:
  ablate run                              all studies, at the profile that suits the device
  ablate run relu dropout --seeds 10      two studies, ten seeds
  ablate run my_study.py --data ~/photos  your own study on your own images
  ablate run --limit 30m                  start no job after half an hour; run again to go on
  ablate report                           judge again and write the report, training nothing
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's 'stop' ends as Ctrl-C does
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False)  # names may hold brackets
    try:
        return options.command(options, console)
    except BadInput as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (*FULL, *UNUSABLE):
            raise
        mend = "make room, then the same command goes on" if error.errno in FULL else "name another one"
        print(f"ablate: {error}: {mend}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nablate: stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130


def list_studies(options: argparse.Namespace, console: Console) -> int:
    for study in catalogue.find([]):
        console.print(Text.assemble((study.name, "bold"), f"  {study.question}"))
        for claim in study.claims:
            console.print(f"    {claim.id}: {claim.sentence}", highlight=False, markup=False)
    return 0


def show_plan(options: argparse.Namespace, console: Console) -> int:
    request = _request(options)
    workers, known = devices.workers(request.setting.device), plan.pace(options.out)
    todo = missing([place.job for place in request.placed()], options.out)
    _introduce(request, console)
    for study in request.studies:
        own = dict.fromkeys(place.job for place in jobs(study, request.setting))
        lacking = [job for job in todo if job in own]
        left = display.duration(known.left(lacking, workers))
        console.print(f"{study.name:<14} {len(own):>4} jobs, {len(own) - len(lacking):>4} done, about {left} left")
    size = plan.disk_mb([place.job for place in request.placed()], options.out)
    left = display.duration(known.left(todo, workers))
    console.print(
        f"{len(todo)} jobs to run (a job that studies share counts once) on {workers} workers: "
        f"about {left} and {size:.0f} MB in {options.out}"
    )
    return 0


def run_studies(options: argparse.Namespace, console: Console) -> int:
    limit = _seconds(options.limit) if options.limit else float("inf")
    request, deadline = _request(options), time.time() + limit
    placed, workers = request.placed(), devices.workers(request.setting.device)
    asked = [place.job for place in placed]
    names = {place.job: _name(place) for place in reversed(placed)}
    _introduce(request, console)
    remember(request, options.out)
    data, profile = request.source.data, request.setting.profile
    say = partial(console.print, markup=False, style="yellow")
    todo = missing(asked, options.out, options.retry_failed)
    console.print(f"{len(set(asked)) - len(todo)} of {len(set(asked))} jobs are done already", highlight=False)
    delivery = Delivery(options.out, profile.name, request.places(), say)
    pace = plan.pace(options.out)
    with display.Display(console, todo, names, pace, workers) as shown:
        for event in run(asked, request.source, options.out, workers, deadline, pace.seconds, options.retry_failed):
            shown.show(event)
            if event.record is not None:
                delivery.deliver(event.record)
    delivery.deliver_all()
    delivery.deliver_report(
        f"({profile.name}, {data.name})", [*_report(request, options.out, console), options.out / records.REQUEST]
    )
    if delivery.publisher:
        out = shlex.quote(str(options.out))
        where = "" if out == "out" else f" OUT={out}"
        console.print(f"Compare the runs in MLflow: make ui{where}, or {sys.argv[0]} ui --out {out}", soft_wrap=True)
    unpublished = bool(delivery.due) and not os.environ.get("MLFLOW_TRACKING_URI")  # a server may be away, a file not
    return _end(names, options.out, console) or int(unpublished and delivery.installed)


def report(options: argparse.Namespace, console: Console) -> int:
    request = recall(options.out)
    if options.studies:
        request = request._replace(studies=catalogue.find(options.studies))
    if options.check:
        return _check(request, options.check, options.out, console)
    _report(request, options.out, console)
    return 0


def ui(options: argparse.Namespace, console: Console) -> int:
    return serve(options.out, options.port, partial(console.print, soft_wrap=True))


def export(options: argparse.Namespace, console: Console) -> int:
    count = transfer.pack(options.out, options.file, options.weights)
    console.print(f"{count} records in {options.file}", soft_wrap=True, highlight=False)
    return 0


def import_records(options: argparse.Namespace, console: Console) -> int:
    taken = transfer.take(options.origin, options.out, options.weights)
    for line in taken.refused:
        console.print(Text(f"refused: {line}", style="yellow"), soft_wrap=True)
    told = f"{len(taken.new)} records imported, {len(taken.known)} were here, {len(taken.refused)} refused"
    console.print(told, highlight=False)
    return 1 if taken.refused else 0


def see_doctor(options: argparse.Namespace, console: Console) -> int:
    """Exit status 1 while something is broken, stale or orphaned."""
    if not options.out.is_dir():
        raise BadInput(f"there is no folder {options.out}: nothing was run into it yet")
    ill = 0
    for finding in doctor.examine(options.out):
        mended = options.mend and finding.mend is not None
        if mended and finding.mend:
            finding.mend()
        ill += not mended and finding.state not in ("pending", "running")
        console.print(Text(f"{'mended' if mended else finding.state:<8} {finding.what}"), soft_wrap=True)
    console.print("healthy" if not ill else f"{ill} to mend: ablate doctor --mend mends what it can", highlight=False)
    return 1 if ill else 0


def _report(request: Request, out: Path, console: Console) -> list[Path]:
    """Write the report; end with the verdicts and where everything is. Returns the files."""
    from reports.report import build, files  # only here: they take seconds, and every worker imports this file
    from reports.terminal import tables

    for table in tables(build(out, request.studies, request.setting)):
        console.print(table, "")
    if request.setting.profile.name == "smoke":
        console.print(Text("Not a result: the smoke profile only shows that the machinery works.", style="bold yellow"))
    if request.source.note:
        console.print(Text(f"Note: {request.source.note}", style="bold yellow"))
    for file in files(out):
        console.print(str(file), soft_wrap=True, highlight=False)
    return files(out)


def _check(request: Request, file: Path, out: Path, console: Console) -> int:
    """Judge again and write nothing; exit status 1 where a verdict is not the stored one."""
    from reports import check  # only here, as in _report
    from reports.evidence import gather

    before = check.stored(file)
    now = check.present(gather(out, request.studies, request.setting).judgements)
    changed = check.changed(before, now)
    for line in changed:
        console.print(Text(line, style="red"), soft_wrap=True)
    if not changed:
        console.print(Text(f"all {len(now)} verdicts are those in {file}"), soft_wrap=True)
    return 1 if changed else 0


def _end(names: dict[Job, str], out: Path, console: Console) -> int:
    """What came to nothing, and what is left; the exit status."""
    found = {job: records.read(out, job) for job in names}
    failed = {job: record for job, record in found.items() if record and records.failed(record)}
    for job, record in failed.items():
        console.print(Text(f"{record['status']}: {names[job]}: {record['reason']}", style="red"))
    if failed:
        console.print(f"{len(failed)} jobs came to nothing; --retry-failed runs exactly those again")
    if left := sum(record is None for record in found.values()):
        console.print(f"{left} jobs have no record yet: the same command runs exactly those")
    return 1 if failed else 0


def _request(options: argparse.Namespace) -> Request:
    """What the options name, checked before anything is trained."""
    if options.seeds is not None and options.seeds < 1:
        raise BadInput(f"--seeds is {options.seeds}: it must be 1 or more; below 5 hardly a claim can be decided")
    studies = catalogue.find(options.studies)
    device = devices.choose(options.device)
    source = locate(options.data, options.out)
    try:
        (options.out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{options.out} cannot be made ({error.strerror}): name another folder with --out") from error
    profile = automatic(device) if options.profile == "auto" else options.profile
    request = Request(tuple(options.studies), studies, setting(profile, options.seeds, source.data, device), source)
    check(request, options.out, strangers=True)
    return request


def _introduce(request: Request, console: Console) -> None:
    setting, source = request.setting, request.source
    if source.note:
        console.print(Text(f"Note: {source.note}", style="bold yellow"))
    console.print(
        f"{source.data.name}: {source.data.train} train, {source.validation} validation, {source.test} test images; "
        f"profile {setting.profile.name}, {setting.profile.seeds} seeds, device {setting.device}",
        highlight=False,
    )


def _name(place: Placed) -> str:
    job = place.job
    if isinstance(job, Trial):
        return f"{place.study} / {place.arm} / seed {place.seed}"
    what = getattr(job, "subject", None) or getattr(job, "question", None) or place.arm
    return f"{place.study} / {kind(job)} of {what}"


def _seconds(limit: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", limit)
    if not match:
        raise BadInput(f"--limit is {limit!r}: write 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[match[2]]


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "ablate",
        description="Puts the claims about why AlexNet is good to the test.",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("list", help="the studies, their questions and claims")
    add.set_defaults(command=list_studies)
    for name, command, text in (
        ("plan", show_plan, "what a run would do: jobs, those done, time and disk"),
        ("run", run_studies, "train and measure what has no record yet, then report"),
    ):
        add = commands.add_parser(name, help=text, description=text, epilog=EXAMPLES, formatter_class=shape)
        add.set_defaults(command=command)
        _add_what(add)
        if name == "run":
            add.add_argument("--limit", metavar="TIME", help="start no job after so long: 90s, 30m, 2h")
            add.add_argument(
                "--retry-failed", action="store_true", help="run again what failed, besides what is missing"
            )
    add = commands.add_parser("report", help="judge the last run's records again and write the report; trains nothing")
    add.set_defaults(command=report)
    add.add_argument("studies", nargs="*", metavar="STUDY", help="which studies; default: those of the last run")
    add.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="write nothing; exit with 1 if a verdict differs from those in this report.json",
    )
    _add_out(add)
    _add_transfer(commands)
    add = commands.add_parser("ui", help="open the runs in MLflow, on this machine only")
    add.set_defaults(command=ui)
    _add_out(add)
    add.add_argument("--port", type=int, default=5000)
    return parser


def _add_transfer(commands: Any) -> None:
    add = commands.add_parser("export", help="write every finished record into one file")
    add.set_defaults(command=export)
    add.add_argument("file", type=Path, metavar="FILE")
    add = commands.add_parser("import", help="take records from such a file, a folder, or an MLflow server")
    add.set_defaults(command=import_records)
    add.add_argument("origin", metavar="FILE | FOLDER | MLFLOW-URI")
    for added in (commands.choices["export"], add):
        added.add_argument("--weights", action="store_true", help="weights too")
        _add_out(added)
    add = commands.add_parser("doctor", help="what is pending, broken, stale or orphaned")
    add.set_defaults(command=see_doctor)
    add.add_argument("--mend", action="store_true", help="mend it: nothing that was measured is deleted")
    _add_out(add)


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="a name from 'ablate list', or a file; default all")
    parser.add_argument(
        "--profile",
        default="auto",
        choices=["auto", *PROFILES],
        help="how much to spend: smoke seconds, quick minutes on two cores, standard hours on a CPU or minutes on a "
        "GPU, full the document's network on all images; auto is quick on a CPU and standard on a GPU",
    )
    parser.add_argument(
        "--data",
        default="auto",
        help="digits, cifar10, or a folder with train/<class>/ and test/<class>/; auto is $ABLATE_DATA, else CIFAR-10 "
        "if it can be had, else digits",
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seeds", type=int, help="pairs an arm; default: the profile's")
    _add_out(parser)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=_folder, default=Path("out"), help="where everything is kept (default: out)")


def _folder(name: str) -> Path:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("the name holds bytes that are no text") from error
    if not name:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(name)


if __name__ == "__main__":
    sys.exit(main())
