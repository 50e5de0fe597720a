"""`ablate doctor`: list and repair what is pending, broken, stale or orphaned in an output folder and in MLflow."""

import argparse
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from ablations.framework import request_store
from bench import REVISION
from bench.records import cleanup, store, validation, weights
from bench.spec.errors import InputError
from bench.system import locks
from bench.system.files import disk_fault, find_kind
from bench.tracking.address import configured_address
from bench.tracking.mlflow_format import summarize_error, to_input_error

HARMLESS_STATES = "pending", "running", "earlier"
DAMAGE_MESSAGES = "is not a database", "malformed"  # of SQLite, for a damaged file only
DISK_ADVICE = {
    "full": "make room, then run the same command again",
    "denied": "name another folder with --out, or allow writing to this one",
    "failing": "the disk is read-only or failing: name another folder with --out",
    "misplaced": "name another one",
    "no temporary folder": "name a folder that can be written by TMPDIR",
    "exhausted": "raise the limits of open files and processes, which `ulimit -n` and `ulimit -u` show",
    "lockless": "its file system has no locks: name a folder on another one with --out",
}


def advise(error: BaseException) -> str:
    """Return what to do about an unusable disk, a damaged record or a library; '' for any other error."""
    if isinstance(error, store.DamagedRecordError):
        return "`ablate doctor --fix` moves it aside"
    if isinstance(error, ImportError):  # as of a library that a limit of memory keeps from being loaded
        return "check the installation, the free memory, and the limits that `ulimit -a` lists"
    return DISK_ADVICE.get(disk_fault(error), "")


def with_advice(error: BaseException) -> str:
    """Return the error's message, followed by advice if there is any."""
    return ": ".join(filter(None, (str(error), advise(error))))


def check_out(options: argparse.Namespace) -> None:
    """Raise InputError if a command's output folder is no folder, or holds a pipe or device, which doctor reports."""
    out = getattr(options, "out", None)
    if out is None:
        return
    if (kind := find_kind(out)) not in ("", "a folder"):
        raise InputError(f"{out} is {kind}: name a folder with --out")
    for file, kind in cleanup.find_misplaced(out) if options.command is not diagnose else ():
        raise InputError(f"{file} is no regular file but {kind}: `ablate doctor --fix` moves it aside")


class Finding(NamedTuple):
    """One deviation from a folder of finished, published records.

    Attributes:
        state: 'pending' (the next run continues it), 'running', 'earlier' (a record of an earlier revision),
            'broken', 'stale' or 'orphaned'.
        text: The problem and its location.
        repair: Function that repairs it; None without an automatic repair.
    """

    state: str
    text: str
    repair: Callable[[], object] | None = None


def diagnose(options: argparse.Namespace, console: Console) -> int:
    """Print every finding, repairing it with --fix; exit status 1 while something is broken, stale or orphaned."""
    if not options.out.is_dir():
        raise InputError(f"folder {options.out} not found: `ablate run` creates it")
    if options.fix:
        locks.check_folder(options.out)
    unhealthy_count, repairable_count = 0, 0
    for finding in examine(options.out):
        state = finding.state
        if options.fix and finding.repair:
            finding.repair()
            state = "fixed"
        elif state not in HARMLESS_STATES:
            unhealthy_count, repairable_count = unhealthy_count + 1, repairable_count + (finding.repair is not None)
        console.print(f"{state:<8} {finding.text}")
    advice = f"ablate doctor --fix repairs {repairable_count}" if repairable_count else "each line above says how"
    console.print(f"{unhealthy_count} to repair: {advice}" if unhealthy_count else "healthy")
    return 1 if unhealthy_count else 0


def examine(out: Path) -> Iterator[Finding]:
    """Yield the findings about an output folder and its MLflow runs, without changing anything."""
    usable_records: dict[str, Any] = {}
    for file, kind in cleanup.find_misplaced(out):
        text = f"{file} is no regular file but {kind}: --fix moves it to {out / cleanup.BROKEN}"
        yield Finding("broken", text, partial(cleanup.move_aside, file, out))
    if (file := out / request_store.REQUEST_FILE).is_file():
        try:
            request_store.read_request(file)
        except InputError as error:
            text = f"{error}; --fix moves it to {out / cleanup.BROKEN}"
            yield Finding("broken", text, partial(cleanup.move_aside, file, out))
    yield from _examine_records(out, usable_records)
    yield from _examine_unfinished_jobs(out)
    yield from (Finding("stale", text, remove) for text, remove in cleanup.find_leftovers(out))
    yield from _examine_weights(out, usable_records)
    if importlib.util.find_spec("mlflow"):
        yield from _examine_mlflow(out, usable_records)


def _examine_records(out: Path, usable_records: dict[str, Any]) -> Iterator[Finding]:
    """Yield the findings about records; fill `usable_records`, by identity, with the others."""
    from bench.runner.job_check import check_job  # imports torch, which takes seconds, and every worker imports this

    for file in sorted(store.folder(out).glob("*.json")):
        try:
            record = validation.load_valid(file)
            revision = validation.find_revision(file, record)
            validation.check_names(file, record, check_job)
        except InputError as error:
            text = f"{error}: --fix moves it to {out / cleanup.BROKEN}"
            yield Finding("broken", text, partial(cleanup.move_aside, file, out))
            continue
        usable_records[file.stem] = record
        if revision != REVISION:
            yield Finding("earlier", f"{file.name}: from revision {revision}: kept, but not used")
        elif store.is_failure(record):
            yield Finding("pending", f"{file.name}: {record['status']} ({record['reason']}): run --retry-failed")


def _examine_weights(out: Path, usable_records: Mapping[str, Any]) -> Iterator[Finding]:
    for file in sorted(store.folder(out).glob("*.safetensors")):
        if not store.path(out, file.stem).exists():
            yield Finding("orphaned", f"{file.name}: weights without a record", partial(cleanup.move_aside, file, out))
        elif file.stem in usable_records and not cleanup.is_running(out, file.stem):
            if fault := weights.find_fault(file, usable_records[file.stem]):
                text = f"{file.name} does not hold the weights of its record ({fault})"
                repair = partial(cleanup.move_aside, file, out)
                yield Finding("broken", f"{text}: --fix moves it to {out / cleanup.BROKEN}", repair)


def _examine_unfinished_jobs(out: Path) -> Iterator[Finding]:
    """Report the part files, checkpoints and locks of jobs that have not finished or have failed."""
    for name in cleanup.find_unfinished(out):
        if cleanup.is_running(out, name):
            yield Finding("running", f"{name}: a run is working on it")
        elif not cleanup.has_result(out, name):
            if (store.folder(out) / f"{name}.checkpoint").exists():
                yield Finding("pending", f"{name}: interrupted; a run that needs it resumes from its checkpoint")
            else:
                text = f"{name}: interrupted before its first checkpoint; a run that needs it restarts it"
                yield Finding("pending", text, partial(cleanup.remove_abandoned, out, name))


def _examine_mlflow(out: Path, usable_records: dict[str, Any]) -> Iterator[Finding]:
    try:
        from bench.tracking import consistency  # mlflow may be missing

        for state, text, repair in consistency.find_differences(out, usable_records):
            yield Finding(state, text, repair and partial(_repair_mlflow, repair))
    except Exception as error:  # database drivers raise classes of their own
        text = f"MLflow: {to_input_error(configured_address() or str(out / 'mlflow.db'), error)}"
        damaged = not configured_address() and any(message in str(error) for message in DAMAGE_MESSAGES)
        # the next run creates a new database
        yield Finding("broken", text, partial(cleanup.move_aside, out / "mlflow.db", out) if damaged else None)


def _repair_mlflow(repair: Callable[[], object]) -> None:
    try:
        repair()
    except Exception as error:  # database drivers raise classes of their own
        raise InputError(f"the repair in MLflow failed: {summarize_error(error)}") from error
