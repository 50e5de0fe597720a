"""Import of records and weights from other folders and machines: each is validated before it is copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.records import cleanup, store, validation
from bench.records.weights import find_fault
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import files


class Imported(NamedTuple):
    """Identities of new records and of records already present, and the reason for each refused file."""

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
        weights: Whether weights are copied if they are missing or damaged.
        check_job: Function that raises InputError if a name in a job has no implementation.

    Returns:
        What was imported, and the errors of all files that were refused.
    """
    imported = Imported([], [], [])
    weights_files = {file for file in incoming if weights and file.suffix == ".safetensors"}
    for file in incoming:
        try:
            if file.suffix == ".json":
                record, is_new = _add_record(file, out, check_job)
                (imported.new if is_new else imported.present).append(file.stem)
                if (weights_file := file.with_suffix(".safetensors")) in weights_files:
                    _add_weights(weights_file, record, out)
        except InputError as error:
            imported.refused.append(error)
    return imported


def _add_record(file: Path, out: Path, check_job: Callable[[Job], None]) -> tuple[dict[str, Any], bool]:
    """Add the record if it is missing; return it, and whether it was added."""
    try:
        record = validation.load_current(file)
        validation.check_names(file, record, check_job)
    except store.DamagedRecordError as error:  # it would advise to repair `out`
        raise InputError(str(error)) from error
    present = store.read(out, file.stem)
    if present is not None and not store.is_failure(present):
        return record, False
    if store.is_failure(record):
        raise InputError(f"{file.name} is the record of a failure ({record['status']})")
    try:
        store.write(out, record)
    except ValueError as error:
        raise InputError(f"{file.name} holds a number that is not finite") from error
    return record, True


def _add_weights(file: Path, record: dict[str, Any], out: Path) -> None:
    """Copy weights if they are missing or damaged, unless they belong to another measurement than the present one."""
    store.check_size(file)
    if fault := find_fault(file, record):
        raise InputError(f"{file.name} does not hold the weights of its record ({fault})")
    target, present = store.weights_file(out, file.stem), store.load(store.path(out, file.stem))
    if find_fault(file, present) or (target.exists() and not find_fault(target, present)):
        return
    if target.exists():
        cleanup.move_aside(target, out)
    files.write(target, file.read_bytes())
