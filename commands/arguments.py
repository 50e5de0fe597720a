"""The arguments of commands: names, values and help texts. `commands/options.py` checks what they mean."""

import argparse
import os
from pathlib import Path

from ablations.framework.profiles import PROFILES

CLUSTER = "address of its head, 'auto' on one of its machines, 'local' for this machine alone"
VERBOSE = "also print every claim and control with all its numbers, and every failed job"


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`, except the output folder."""
    add_study_options(parser)
    parser.add_argument("--limit", metavar="TIME", help="start no job after this time: 90s, 30m, 2h")
    parser.add_argument("--retry-failed", action="store_true", help="also rerun the jobs that failed")
    parser.add_argument("--verbose", action="store_true", help=VERBOSE)
    parser.add_argument("--cluster", metavar="ADDRESS", help=f"run jobs on a Ray cluster: {CLUSTER}")


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the output folder."""
    parser.add_argument("--out", type=path, default=Path("out"), help="output folder (default: out)")


def add_study_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `plan` and `run`."""
    parser.add_argument(
        "studies",
        nargs="*",
        type=expand_home,
        metavar="STUDY",
        help="name from 'ablate list', or a file; default: all studies",
    )
    parser.add_argument(
        "--profile",
        default="auto",
        choices=["auto", *PROFILES],
        help="cost of the run: smoke takes seconds; quick minutes on two cores; standard hours on a CPU or minutes on "
        "a GPU; full trains the document's network on all images; auto is quick on a CPU and standard on a GPU",
    )
    parser.add_argument(
        "--data",
        type=expand_home,
        default="auto",
        help="digits, cifar10, or a folder with train/<class>/ and test/<class>/; auto is $ABLATE_DATA, else CIFAR-10 "
        "if available, else digits",
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="auto is cuda if available")
    precision = "of the networks' arithmetic; auto is bfloat16 on a GPU and on processors with units for it"
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"], help=precision)
    seeds = "seeds per arm, all at once; default: look by look until a claim is decided, else the profile's number"
    parser.add_argument("--seeds", type=int, help=seeds)
    workers = "jobs at once on this machine; default: one per core that it may use, or several per GPU"
    parser.add_argument("--workers", type=int, metavar="N", help=workers)


def path(name: str) -> Path:
    """Return the path that an argument names; raise ArgumentTypeError if it names none."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("the name is not valid text") from error
    if not name:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(expand_home(name))


def expand_home(name: str) -> str:
    """Expand ~, which a shell leaves as it is in --out=~/x and in make's OUT=~/x."""
    path = os.path.expanduser(name)
    if path.startswith("~") and not os.path.exists(path.split(os.sep)[0]):
        raise argparse.ArgumentTypeError(f"{name} names no home folder; for a file of this name write ./{name}")
    return path
