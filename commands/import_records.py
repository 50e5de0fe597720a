"""`ablate import`: import records from a file, a folder or an MLflow server."""

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ablations.framework import request_store
from bench.records import archive, importing, store
from bench.spec.errors import InputError
from bench.tracking.address import hide_secrets
from commands.doctor import with_advice


def import_records(options: argparse.Namespace, console: Console) -> int:
    """Import all valid records; return the exit status, 1 if a file was refused."""
    imported = import_from(options.origin, options.out, options.weights)
    for error in imported.refused:
        console.print(f"refused: {with_advice(error)}", style="yellow")
    new, present, refused = imported
    counts = f"{len(new)} records imported, {len(present)} already here, {len(refused)} refused"
    console.print(counts)
    return 1 if refused else 0


def import_from(origin: str, out: Path, weights: bool) -> importing.Imported:
    """Import from an archive, a folder with records, or an MLflow server.

    Args:
        origin: A file of `ablate export`, a folder, or an MLflow address.
        out: The output folder.
        weights: Whether weights are imported, too.
    """
    from bench.runner.job_check import check_job  # imports torch, which takes seconds, and every worker imports this

    def accept(name: str) -> bool:
        kind = archive.RECORD_NAME.fullmatch(name)
        return name == request_store.REQUEST_FILE or (kind is not None and (weights or kind[1] == "json"))

    with tempfile.TemporaryDirectory() as temporary:
        incoming = sorted(_collect(origin, Path(temporary), accept))
        requests = [file for file in incoming if file.name == request_store.REQUEST_FILE]
        incoming = [file for file in incoming if file not in requests]
        imported = importing.import_records(incoming, out, weights, check_job)
        for file in requests:
            try:
                request_store.import_request(file, out)
            except InputError as error:
                imported.refused.append(error)
        if not Path(origin).is_dir():
            imported.refused[:] = [_name_member(error, origin, temporary) for error in imported.refused]
    if not any(imported):
        advice = "name an output folder, or an archive that `ablate export` wrote"
        raise InputError(f"{origin} holds no record of this harness, so there is nothing to import: {advice}")
    return imported


def _name_member(error: InputError, origin: str, temporary: str) -> InputError:
    """Return a refused file's error with the name of its origin, in place of the folder in which it was unpacked."""
    if isinstance(error, store.DamagedRecordError):  # of a record in the output folder
        return error
    return InputError(f"{hide_secrets(origin)}: {str(error).replace(f'{temporary}/', '')}")


def _collect(origin: str, temporary: Path, accept: Callable[[str], bool]) -> list[Path]:
    """Return the accepted files of the origin, after unpacking or downloading them if necessary."""
    if "://" in origin:
        if importlib.util.find_spec("mlflow") is None:
            raise InputError(f"{origin} is an MLflow address, and mlflow is not installed: pip install mlflow")
        from bench.tracking import artifact_download

        return artifact_download.download_artifacts(origin, temporary, accept)
    folder = Path(origin)
    if not folder.is_dir():
        return archive.unpack(folder, temporary, accept)
    records = store.folder(folder) if store.folder(folder).is_dir() else folder
    files = {*records.iterdir(), folder / request_store.REQUEST_FILE}
    return [file for file in files if accept(file.name) and file.is_file()]
