"""Import of records and weights from other folders and machines: each is validated before it is copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from bench.records import store, validation
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import files

LARGEST_BYTES = {".json": 2**28, ".safetensors": 2**32}  # largest accepted file


class Imported(NamedTuple):
    """Identities of records that are new and of records that were present; the reasons for refusing files."""

    new: list[str]
    present: list[str]
    refused: list[InputError]


def import_records(
    incoming: Sequence[Path], out: Path, weights: bool, check_job: Callable[[Job], None] = lambda job: None
) -> Imported:
    """Copy valid records, and the weights beside them if requested, into an output folder.

    Args:
        incoming: Files of records and weights, named by identity.
        out: The output folder. A finished record in it stays; a failure's gives way to a result.
        weights: Whether weights are copied if they are missing.
        check_job: Raises InputError if a job names what nothing implements.

    Returns:
        What was imported, and the errors of all files that were refused.
    """
    imported = Imported([], [], [])
    for file in incoming:
        try:
            if file.suffix == ".json":
                (imported.new if _add_record(file, out, check_job) else imported.present).append(file.stem)
                if weights and (weights_file := file.with_suffix(".safetensors")) in incoming:
                    _add_weights(weights_file, out)
        except InputError as error:
            imported.refused.append(error)
    return imported


def check_size(file: Path) -> None:
    """Raise InputError if the file is larger than any of its kind."""
    if file.stat().st_size > LARGEST_BYTES[file.suffix]:
        raise InputError(f"{file.name} is larger than any file that this harness writes")


def _add_record(file: Path, out: Path, check_job: Callable[[Job], None]) -> bool:
    """Whether the record was missing, and has been added."""
    check_size(file)
    try:
        record = validation.load_current(file)
        validation.check_names(file, record, check_job)
    except store.DamagedRecordError as error:  # it would advise to repair `out`
        raise InputError(str(error)) from error
    present = store.read(out, file.stem)
    if present is not None and not store.is_failure(present):
        return False
    if store.is_failure(record):
        raise InputError(f"{file.name} is the record of a failure ({record['status']})")
    try:
        store.write(out, record)
    except ValueError as error:
        raise InputError(f"{file.name} holds a number that is not finite") from error
    return True


def _add_weights(file: Path, out: Path) -> None:
    """Copy weights if they are missing; invalid ones would make every later probe of them fail."""
    target = store.weights_file(out, file.stem)
    if target.exists():
        return
    check_size(file)
    try:
        with safe_open(file, framework="numpy") as opened:  # checks the header against the file's length
            names = list(opened.keys())
    except SafetensorError as error:
        raise InputError(f"{file.name} holds no weights ({error})") from error
    if not names:
        raise InputError(f"{file.name} holds no weights")
    files.write(target, file.read_bytes())
