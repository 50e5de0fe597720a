"""The command: `ablate --help` lists what it can do. What may be written behind it, and how it ends."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ablations.framework.profiles import PROFILES
from bench.spec.errors import InputError
from bench.system import files
from commands import others
from commands.plan import show_plan
from commands.run import run_studies

EXAMPLES = """examples:
  ablate run                              all studies, at the profile that suits the device
  ablate run relu dropout --seeds 10      two studies, ten seeds
  ablate run my_study.py --data ~/photos  your own study on your own images
  ablate run --limit 30m                  start no job after half an hour; run again to go on
  ablate run --until-decided --limit 2h   further seeds where they decide something, for two hours at most
  ablate report                           judge again and write the report, training nothing
"""

CLUSTER = "the address of its head, 'auto' on one of its machines, 'local' for this machine alone"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's 'stop' ends as Ctrl-C does
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False)  # names may hold brackets
    try:
        return options.command(options, console)
    except InputError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if not (mend := files.mend(error)):
            raise
        print(f"ablate: {error}: {mend}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nablate: stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "ablate",
        description="Puts the claims about why AlexNet is good to the test.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(required=True, metavar="COMMAND")
    add = partial(_added, group)
    listed = group.add_parser("list", help="the studies, their questions and claims")
    listed.set_defaults(command=others.list_studies)
    plan = add("plan", show_plan, "what a run would do: jobs, those done, time and disk", EXAMPLES)
    run = add("run", run_studies, "train and measure what has no record yet, then report", EXAMPLES)
    for either in (plan, run):
        _add_what(either)
    run.add_argument("--limit", metavar="TIME", help="start no job after so long: 90s, 30m, 2h")
    further = "then go on with claims that are not decided: more seeds for their arms, to 10 and to 15 in all"
    run.add_argument("--until-decided", action="store_true", help=further)
    run.add_argument("--retry-failed", action="store_true", help="run again what failed, besides what is missing")
    run.add_argument("--cluster", metavar="ADDRESS", help=f"run jobs on a Ray cluster: {CLUSTER}")
    plan.add_argument("--cluster", metavar="ADDRESS|N", help=f"on a Ray cluster: {CLUSTER}; or on so many GPUs")
    report = add("report", others.report, "judge the last run's records again and write the report; trains nothing")
    report.add_argument("studies", nargs="*", metavar="STUDY", help="which studies; default: those of the last run")
    alike = "write nothing; exit with 1 if a verdict differs from those in this report.json"
    report.add_argument("--check", type=Path, metavar="FILE", help=alike)
    export = add("export", others.export, "write every finished record into one file")
    export.add_argument("file", type=Path, metavar="FILE")
    take = add("import", others.import_records, "take records from such a file, a folder, or an MLflow server")
    take.add_argument("origin", metavar="FILE | FOLDER | MLFLOW-URI")
    for either in (export, take):
        either.add_argument("--weights", action="store_true", help="weights too")
    pack = group.add_parser("pack", help="resize photographs once, so that later epochs decode less of them")
    pack.add_argument("folder", type=_folder, metavar="FOLDER", help="with train/<class>/, and val/ or test/")
    pack.add_argument("target", type=_folder, metavar="OUT", help="where they go; what is there already stays")
    pack.add_argument("--side", type=int, default=256, help="of the square that is kept (default: 256; 144 for 128 px)")
    pack.set_defaults(command=others.pack)
    doctor = add("doctor", others.see_doctor, "what is pending, broken, stale or orphaned")
    doctor.add_argument("--mend", action="store_true", help="mend it: nothing that was measured is deleted")
    ui = add("ui", others.ui, "open the runs in MLflow, on this machine only")
    ui.add_argument("--port", type=int, default=5000)
    return parser


def _added(group: Any, name: str, command: Callable[..., int], text: str, epilog: str = "") -> argparse.ArgumentParser:
    """The parser of a command that has an output folder."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = group.add_parser(name, help=text, description=text, epilog=epilog, formatter_class=shape)
    parser.set_defaults(command=command)
    parser.add_argument("--out", type=_folder, default=Path("out"), help="where everything is kept (default: out)")
    return parser


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
