"""The command: list, plan, run, report, ui. The one place that knows bench, ablations and reports."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablations import catalogue
from ablations.profiles import PROFILES, automatic
from ablations.study import Placed, Setting, Study, jobs
from bench import display, plan, records
from bench.data import Source, locate
from bench.run import missing, run
from bench.spec import BadInput, Data, Trial, identity, kind

EXAMPLES = """examples:
  ablate run                              all studies, at the profile that suits the device
  ablate run relu dropout --seeds 10      two studies, ten seeds
  ablate run my_study.py --data ~/photos  your own study on your own images
  ablate run --limit 30m                  start no job after half an hour; run again to go on
  ablate report                           judge again and write the report, training nothing
"""


class Run(NamedTuple):
    """What the command line asks for."""

    studies: list[Study]
    setting: Setting
    source: Source
    out: Path

    def placed(self) -> list[Placed]:
        return [place for study in self.studies for place in jobs(study, self.setting)]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        return options.command(options, console)
    except BadInput as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nablate: stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130


def list_studies(options: argparse.Namespace, console: Console) -> int:
    for study in catalogue.find([]):
        console.print(f"[bold]{study.name}[/]  {study.question}", highlight=False)
        for claim in study.claims:
            console.print(f"    {claim.id}: {claim.sentence}", highlight=False, markup=False)
    return 0


def show_plan(options: argparse.Namespace, console: Console) -> int:
    asked = _asked(options)
    workers = _workers(asked.setting.device)
    todo = set(missing([place.job for place in asked.placed()], asked.out))
    pace = plan.pace(asked.out)
    _say_what(asked, console)
    for study in asked.studies:
        own = dict.fromkeys(place.job for place in jobs(study, asked.setting))
        lacking = [job for job in own if job in todo]
        left = display.duration(pace.left(lacking, workers))
        console.print(f"{study.name:<14} {len(own):>4} jobs, {len(own) - len(lacking):>4} done, about {left} left")
    size = plan.disk_mb([place.job for place in asked.placed()], asked.out)
    left = display.duration(pace.left(list(todo), workers))
    console.print(f"in all: {len(todo)} to run on {workers} workers, about {left} and {size:.0f} MB in {asked.out}")
    return 0


def run_studies(options: argparse.Namespace, console: Console) -> int:
    asked = _asked(options)
    deadline = time.time() + _seconds(options.limit) if options.limit else float("inf")
    placed, workers = asked.placed(), _workers(asked.setting.device)
    todo = missing([place.job for place in placed], asked.out)
    names = {place.job: _name(place) for place in reversed(placed)}
    _say_what(asked, console)
    _remember(asked, options.studies)
    delivery = Delivery(asked, console)
    failed: dict[str, str] = {}
    with display.Display(console, todo, names, plan.pace(asked.out), workers) as shown:
        for event in run([place.job for place in placed], asked.source, asked.out, workers, deadline):
            shown.show(event)
            if event.what == "failed":
                failed[names[event.job]] = event.reason
            elif event.record is not None:
                delivery.deliver(event.record)
    delivery.deliver_all()
    left = len(missing([place.job for place in placed], asked.out)) - len(failed)
    _report(asked, delivery, console)
    for name, reason in failed.items():
        console.print(f"[red]failed[/] {name}: {reason}", highlight=False)
    if left:
        console.print(f"{left} jobs are left: the same command goes on with them")
    return 1 if failed else 0


def report(options: argparse.Namespace, console: Console) -> int:
    remembered = options.out / "run.json"
    if not remembered.exists():
        raise BadInput(f"{remembered} is not there: nothing was run into {options.out} yet (see 'ablate run --help')")
    asked = _recalled(json.loads(remembered.read_text(encoding="utf-8")), options.out)
    _report(asked, None, console)
    return 0


def ui(options: argparse.Namespace, console: Console) -> int:
    if importlib.util.find_spec("mlflow") is None:
        raise BadInput("mlflow is not installed: pip install mlflow")
    from bench import publish

    address = publish.uri(options.out)
    console.print(f"http://127.0.0.1:{options.port}/?workflowType=machine_learning  (Ctrl-C ends it)", soft_wrap=True)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address, "--host", "127.0.0.1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.call([*command, "--port", str(options.port), "--workers", "1"], env={**os.environ, **quiet})


class Delivery:
    """Records to MLflow while it can be reached; what it misses is delivered at the next contact."""

    def __init__(self, asked: Run, console: Console) -> None:
        self.asked, self.console = asked, console
        self.places: dict[str, list[tuple[str, str]]] = {}
        for place in asked.placed():
            self.places.setdefault(identity(place.job), []).append((place.study, place.arm))
        self.publisher = self._connect()

    def deliver(self, record: dict[str, Any]) -> None:
        profile = self.asked.setting.profile.name
        record = records.tag(self.asked.out, record, profile, self.places.get(record["identity"], []))
        self._try(lambda publisher: publisher.publish(record))

    def deliver_all(self) -> None:
        """Every finished record of this run, and the older ones that the server has not."""
        self.publisher = self.publisher or self._connect()
        for record in records.read_all(self.asked.out):
            if record["identity"] in self.places:
                self.deliver(record)
            else:
                self._try(lambda publisher, record=record: publisher.publish(record))

    def deliver_report(self, files: list[Path]) -> None:
        self._try(lambda publisher: publisher.publish_report(self.asked.setting.profile.name, files))

    def _connect(self) -> Any:
        if importlib.util.find_spec("mlflow") is None:
            self.console.print("mlflow is not installed: results are kept as records and can be published later")
            return None
        from bench import publish

        try:
            return publish.Publisher(self.asked.out, self.asked.source.data.name)
        except publish.UNREACHABLE as error:
            self._away(error)
            return None

    def _try(self, action: Callable[[Any], None]) -> None:
        if self.publisher is None:
            return
        from bench import publish

        try:
            action(self.publisher)
        except publish.UNREACHABLE as error:
            self.publisher = None
            self._away(error)

    def _away(self, error: Exception) -> None:
        reason = str(error).splitlines()[0][:160]
        self.console.print(f"MLflow cannot be reached, so the next run will publish: {reason}", markup=False)


def _report(asked: Run, delivery: Delivery | None, console: Console) -> None:
    """Write the report, hand it to MLflow, and end with the verdicts and where everything is."""
    from reports.claims import line
    from reports.report import build, files

    judgements = build(asked.out, asked.studies, asked.setting)
    if delivery is not None:
        delivery.deliver_report(files(asked.out))
    table = Table("claim", "verdict", "measured", box=None, header_style="bold")
    for judged in map(line, judgements):
        table.add_row(judged.name, judged.verdict, "; ".join(f"{name} {value}" for name, value in judged.measured))
    console.print(table, markup=False)
    if note := asked.source.note:
        console.print(Text(f"Note: {note}", style="bold yellow"))
    for file in files(asked.out):
        console.print(str(file), soft_wrap=True, highlight=False)
    console.print("Compare the runs in MLflow: make ui (or: ablate ui)")


def _asked(options: argparse.Namespace) -> Run:
    """What the options name, checked before anything is trained."""
    if options.seeds is not None and options.seeds < 1:
        raise BadInput(f"--seeds is {options.seeds}: it must be 1 or more; 5 is the least that a verdict is worth")
    device = _device(options.device)
    studies = catalogue.find(options.studies)
    profile = PROFILES[automatic(device) if options.profile == "auto" else options.profile]
    profile = replace(profile, seeds=options.seeds or profile.seeds)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{options.out} cannot be made ({error.strerror}): name another folder with --out") from error
    source = locate(options.data, options.out)
    setting = Setting(profile, source.data, device, "bfloat16" if device == "cuda" else "float32")
    return Run(studies, setting, source, options.out)


def _device(wanted: str) -> str:
    import torch  # only here in this process: it takes seconds

    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("there is no GPU that torch can use: take --device cpu, or install torch for your GPU")
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def _workers(device: str) -> int:
    """One a core on a CPU, one a GPU."""
    if device == "cpu":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    import torch

    return torch.cuda.device_count()


def _remember(asked: Run, studies: list[str]) -> None:
    """What was asked, so that `ablate report` needs neither the data nor torch."""
    setting, source = asked.setting, asked.source
    kept = {
        "studies": studies,
        "profile": setting.profile.name,
        "seeds": setting.profile.seeds,
        "device": setting.device,
        "precision": setting.precision,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    (asked.out / "run.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")


def _recalled(kept: dict[str, Any], out: Path) -> Run:
    data = Data(**kept["source"]["data"])
    source = Source(**{**kept["source"], "data": data, "folder": Path(kept["source"]["folder"])})
    profile = replace(PROFILES[kept["profile"]], seeds=kept["seeds"])
    setting = Setting(profile, data, kept["device"], kept["precision"])
    return Run(catalogue.find(kept["studies"]), setting, source, out)


def _say_what(asked: Run, console: Console) -> None:
    setting, source = asked.setting, asked.source
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
    shape = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(
        "ablate", description="Puts the claims about why AlexNet is good to the test.", epilog=EXAMPLES, **shape
    )
    commands = parser.add_subparsers(required=True, metavar="list | plan | run | report | ui")
    add = commands.add_parser("list", help="the studies, their questions and claims")
    add.set_defaults(command=list_studies)
    for name, command, text in (
        ("plan", show_plan, "what a run would do: jobs, those done, time and disk"),
        ("run", run_studies, "train and measure what has no record yet, then report"),
    ):
        add = commands.add_parser(name, help=text, description=text, epilog=EXAMPLES, **shape)
        add.set_defaults(command=command)
        _add_what(add)
        if name == "run":
            add.add_argument("--limit", metavar="TIME", help="start no job after so long: 90s, 30m, 2h")
    add = commands.add_parser("report", help="judge the last run's records again and write the report; trains nothing")
    add.set_defaults(command=report)
    _add_out(add)
    add = commands.add_parser("ui", help="open the runs in MLflow, on this machine only")
    add.set_defaults(command=ui)
    _add_out(add)
    add.add_argument("--port", type=int, default=5000)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="a name from 'ablate list', or a file; default: all")
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
        help="digits, cifar10, or a folder with train/<class>/ and test/<class>/; auto is $ABLATE_DATA, else CIFAR-10 if "
        "it can be had, else digits",
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--seeds", type=int, help="pairs an arm; default: the profile's")
    _add_out(parser)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("out"), help="where everything is kept (default: out)")


if __name__ == "__main__":
    sys.exit(main())
