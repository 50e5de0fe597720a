"""Finished records carried between folders, machines and MLflow servers."""

from __future__ import annotations

import errno
import importlib.util
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.records import importing, store, validation
from bench.spec.errors import InputError
from bench.system import files

NAMES = re.compile(r"[0-9a-f]{16}\.(json|safetensors)|" + re.escape(store.REQUEST))


class Packed(NamedTuple):
    """How many records were packed, and how many are not such as `take` takes."""

    packed: int
    left_out: int


def pack(out: Path, target: Path, weights: bool) -> Packed:
    """Write every finished record, and weights if asked, into one file."""
    finished, left = _finished(out)
    if not finished:
        raise InputError(f"there is no finished record of this version in {out}: nothing to export")
    chosen = [store.path(out, identity) for identity in finished]
    if weights:
        chosen += [file for file in (store.weights(out, identity) for identity in finished) if file.exists()]
    chosen += [out / store.REQUEST] if (out / store.REQUEST).exists() else []
    temporary = files.temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for file in chosen:
                archive.write(file, file.name)
        files.place(temporary, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Packed(len(finished), left)


def _finished(out: Path) -> tuple[list[str], int]:
    """Identities of the records to pack, and how many are damaged or of another version."""
    found, left = [], 0
    for file in sorted(store.folder(out).glob("*.json")):
        try:
            found += [file.stem] if not store.failed(validation.checked(file)) else []
        except InputError:
            left += 1
    return found, left


def take(origin: str, out: Path, weights: bool) -> importing.Taken:
    """Import from a file of `pack`'s, a folder with records, or an MLflow server's address."""
    with tempfile.TemporaryDirectory() as temporary:
        if "://" in origin:
            if importlib.util.find_spec("mlflow") is None:
                raise InputError(f"{origin} is an MLflow address, and mlflow is not installed: pip install mlflow")
            from bench.tracking import mlflow_client

            def wanted(name: str) -> bool:
                return bool(NAMES.fullmatch(name)) and (weights or not name.endswith(".safetensors"))

            found = mlflow_client.download_artifacts(origin, Path(temporary), wanted)
        elif Path(origin).is_dir():
            found = _of_folder(Path(origin))
        else:
            found = _of_archive(Path(origin), Path(temporary))
        taken = importing.admit(sorted(found), out, weights)
        if not (taken.new or taken.known or taken.refused):
            raise InputError(f"{origin} holds no record of this harness: nothing to import")
        return taken


def _of_folder(folder: Path) -> list[Path]:
    inside = store.folder(folder) if store.folder(folder).is_dir() else folder
    return [
        file for file in (*inside.iterdir(), folder / store.REQUEST) if NAMES.fullmatch(file.name) and file.is_file()
    ]


def _of_archive(archive: Path, temporary: Path) -> list[Path]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return list(_unpacked(opened, temporary))
    except FileNotFoundError as error:
        raise InputError(
            f"there is no {archive}: name a file of ablate export, a folder, or an MLflow address"
        ) from error
    except Exception as error:  # zipfile raises whatever it meets in a damaged file
        if isinstance(error, InputError) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{archive} is no file of ablate export ({error})") from error


def _unpacked(archive: zipfile.ZipFile, folder: Path) -> Iterator[Path]:
    for entry in archive.infolist():
        if NAMES.fullmatch(entry.filename):  # a path cannot lead out of the folder
            target = folder / entry.filename
            if entry.file_size > importing.LARGEST[target.suffix]:
                raise InputError(f"{archive.filename} is no file of ablate export ({entry.filename} is too large)")
            with archive.open(entry) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield target
