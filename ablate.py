"""Command line of the harness. `ablate --help` lists the commands; each has its own file in `commands/`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the working directory first, where a user's own torch.py would hide the library
    sys.path.append(sys.path.pop(0))

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, NoReturn

PACKAGES = ("ablations", "bench", "commands", "reports")


class ProjectFinder:
    """Finds this project's packages beside this file, whatever folders of these names are on `sys.path`."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of one of this project's packages, as `sys.meta_path` requires."""
        return PathFinder.find_spec(name, [os.path.dirname(os.path.abspath(__file__))]) if name in PACKAGES else None


sys.meta_path.insert(0, ProjectFinder)  # on import, because worker processes import this file


from bench.spec.errors import InputError, Interrupted
from bench.system.console import SafeConsole, SafeParser, protect_streams
from bench.tracking.address import hide_secrets
from commands.arguments import CLUSTER, VERBOSE, add_out, add_run_options, add_study_options, expand_home, path
from commands.doctor import advise, check_out, diagnose, with_advice
from commands.export import export_records
from commands.import_records import import_records
from commands.json_events import OPTION, open_events
from commands.list_studies import list_studies
from commands.new import write_study
from commands.pack import pack_photographs
from commands.plan import show_plan
from commands.report import write_report
from commands.run import run_studies
from commands.study_template import DESIGNS
from commands.ui import serve_ui

EPILOG = """examples:
  ablate run                              all studies, with the profile that suits the device
  ablate run relu dropout --seeds 10      two studies, ten seeds whatever comes out
  ablate run my_study.py --data ~/photos  your own study on your own images
  ablate new my_study.py --network mynet:build
                                          write a first study of your own network
  ablate run --limit 30m                  start no job after half an hour; run again to continue
  ablate report                           write the report again from the last run's records

exit status:
  0      done
  1      a job failed; other commands: a verdict differs, a file was refused, something is left to repair
  2      invalid input or environment; one line on stderr says what to do
  128+N  ended by signal N; finished jobs are kept, and the same command continues
"""

ENVIRONMENT = {
    "MPLBACKEND": "agg",  # a notebook's may not be installed here
    "PYTHONSAFEPATH": "1",  # child processes must not take a user's random.py in the working directory for Python's own
}

JSON = "print the run's events to stdout, one JSON object a line, and all else to stderr; see docs/scripting.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    protect_streams()
    words = sys.argv[1:] if arguments is None else arguments
    events = open_events(words)
    try:
        options = _make_parser().parse_args(words, argparse.Namespace(events=events))
        os.environ |= ENVIRONMENT
        _handle_signals()
        check_out(options)
        return options.command(options, SafeConsole())
    except Exception as error:
        message = hide_secrets(with_advice(error))
        if not (isinstance(error, InputError) or advise(error)):
            events.end(1, f"{type(error).__name__}: {message}")
            raise
        print(f"ablate: {message}", file=sys.stderr)
        events.end(2, message)
        return 2
    except Interrupted as error:
        status, message = 128 + error.args[0], "stopped; finished jobs are kept; run the same command again to continue"
        print(f"\nablate: {message}", file=sys.stderr)
        events.end(status, message)
        return status


def _handle_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # Ctrl-C, a cluster's scheduler, a closed terminal
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: object) -> NoReturn:
    """Stop as after Ctrl-C; further signals, such as at the end of a session, must not interrupt the shutdown."""
    for other_number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other_number, signal.SIG_IGN)
    raise Interrupted(number)


def _make_parser() -> argparse.ArgumentParser:
    parser = SafeParser(
        "ablate",
        description="Ablations of AlexNet, or of your own network: paired trials in, verdicts out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = group.add_parser("list", help="list the studies, their questions and claims")
    listing.set_defaults(command=list_studies)
    _add_plan_and_run(group)
    _add_new(group)
    report = _add_command(group, "report", write_report, "write the report again from the same records; trains nothing")
    studies = "studies to report; default: those of the last run"
    report.add_argument("studies", nargs="*", type=expand_home, metavar="STUDY", help=studies)
    check = "write nothing; exit with 1 if a verdict differs from those in this report.json"
    report.add_argument("--check", type=path, metavar="FILE", help=check)
    report.add_argument("--in-progress", action="store_true", help=argparse.SUPPRESS)  # a run starts this
    report.add_argument("--verbose", action="store_true", help=VERBOSE)
    export = _add_command(group, "export", export_records, "write every finished record into one file")
    export.add_argument("file", type=path, metavar="FILE", help="archive to write")
    importer = _add_command(group, "import", import_records, "import records from a file, a folder or an MLflow server")
    importer.add_argument("origin", type=expand_home, metavar="FILE | FOLDER | MLFLOW-URI")
    for command in (export, importer):
        command.add_argument("--weights", action="store_true", help="include the weights")
    pack = group.add_parser("pack", help="resize photographs once, to speed up later epochs")
    pack.add_argument("folder", type=path, metavar="FOLDER", help="folder with train/<class>/, and val/ or test/")
    pack.add_argument("target", type=path, metavar="OUT", help="destination; photographs already there are kept")
    pack.add_argument("--side", type=int, default=256, help="side of the square in pixels (default: 256)")
    pack.set_defaults(command=pack_photographs)
    doctor = _add_command(group, "doctor", diagnose, "list pending, broken, stale and orphaned files")
    doctor.add_argument("--fix", action="store_true", help="repair them; no measurement is deleted")
    # the former name of --fix, which scripts use
    doctor.add_argument("--mend", dest="fix", action="store_true", help=argparse.SUPPRESS)
    ui = _add_command(group, "ui", serve_ui, "show the runs in MLflow, on this machine only")
    ui.add_argument("--port", type=int, default=5000, help="port of the server (default: 5000)")
    return parser


def _add_new(group: Any) -> None:
    new = group.add_parser("new", help="write a first study: of the parts of your own network, or of AlexNet's")
    new.add_argument("file", type=path, metavar="FILE", help="study file to write, such as my_study.py")
    network = "function or class that makes the network, in a module beside FILE or an installed one: mynet:build"
    new.add_argument("--network", metavar="MODULE:FUNCTION", help=network)
    design = "arms; default: full-factorial for 2 to 4 switches, half-fraction for 5, else leave-one-out"
    new.add_argument("--design", choices=DESIGNS, default="", help=design)
    new.add_argument("--size", type=int, metavar="PIXELS", help="side of the network's input (default: 32)")
    new.set_defaults(command=write_study)


def _add_plan_and_run(group: Any) -> None:
    plan = _add_command(group, "plan", show_plan, "show a run's jobs, time and disk space; trains nothing", EPILOG)
    run = _add_command(group, "run", run_studies, "run the jobs without a record, then write the report", EPILOG)
    add_run_options(run)
    run.add_argument(OPTION, action="store_true", help=JSON)
    add_study_options(plan)
    plan.add_argument("--cluster", metavar="ADDRESS|N", help=f"plan for a Ray cluster: {CLUSTER}; or for N GPUs")


def _add_command(
    group: Any, name: str, command: Callable[..., int], description: str, epilog: str = ""
) -> argparse.ArgumentParser:
    """Add the parser of a command that has an output folder."""
    texts = {"help": description, "description": description, "epilog": epilog}
    shape = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = group.add_parser(name, **texts, formatter_class=shape)
    parser.set_defaults(command=command)
    add_out(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
