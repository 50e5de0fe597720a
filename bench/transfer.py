"""Finished records carried between folders, machines and MLflow servers, checked on the way in."""

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

from bench import checks, files, records
from bench.sources import line
from bench.spec import BadInput

NAMES = re.compile(r"[0-9a-f]{16}\.(json|safetensors)|" + re.escape(records.REQUEST))
LARGEST = {".json": 2**28, ".safetensors": 2**32}  # bytes of a file that is taken


class Taken(NamedTuple):
    """Identities of records that were new and that were here before, and what was refused, in words."""

    new: list[str]
    known: list[str]
    refused: list[str]


def pack(out: Path, target: Path, weights: bool) -> int:
    """Write every finished record, and weights if asked, into one file; returns the number of records."""
    finished = [record["identity"] for record in records.read_all(out) if not records.failed(record)]
    if not finished:
        raise BadInput(f"there is no finished record in {out}: nothing to export")
    chosen = [records.path(out, identity) for identity in finished]
    if weights:
        chosen += [file for file in (records.weights(out, identity) for identity in finished) if file.exists()]
    chosen += [out / records.REQUEST] if (out / records.REQUEST).exists() else []
    temporary = files.temporary(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for file in chosen:
                archive.write(file, file.name)
        files.place(temporary, target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return len(finished)


def take(origin: str, out: Path, weights: bool) -> Taken:
    """Import from a file of `pack`'s, a folder with records, or an MLflow server's address."""
    with tempfile.TemporaryDirectory() as temporary:
        if "://" in origin:
            if importlib.util.find_spec("mlflow") is None:
                raise BadInput(f"{origin} is an MLflow address, and mlflow is not installed: pip install mlflow")
            from bench import publish

            def wanted(name: str) -> bool:
                return bool(NAMES.fullmatch(name)) and (weights or not name.endswith(".safetensors"))

            found = publish.fetch(origin, Path(temporary), wanted)
        elif Path(origin).is_dir():
            found = _of_folder(Path(origin))
        else:
            found = _of_archive(Path(origin), Path(temporary))
        taken = _take(sorted(found), out, weights)
        if not any(taken):
            raise BadInput(f"{origin} holds no record of this harness: nothing to import")
        return taken


def _of_folder(folder: Path) -> list[Path]:
    inside = records.folder(folder) if records.folder(folder).is_dir() else folder
    return [
        file for file in (*inside.iterdir(), folder / records.REQUEST) if NAMES.fullmatch(file.name) and file.is_file()
    ]


def _of_archive(archive: Path, temporary: Path) -> list[Path]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return list(_unpacked(opened, temporary))
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no {archive}: name a file of ablate export, a folder, or an MLflow address"
        ) from error
    except Exception as error:  # zipfile raises whatever it meets in a damaged file
        if isinstance(error, BadInput) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BadInput(f"{archive} is no file of ablate export ({error})") from error


def _unpacked(archive: zipfile.ZipFile, folder: Path) -> Iterator[Path]:
    for entry in archive.infolist():
        if NAMES.fullmatch(entry.filename):  # a path cannot lead out of the folder
            target = folder / entry.filename
            if entry.file_size > LARGEST[target.suffix]:
                raise BadInput(f"{archive.filename} is no file of ablate export ({entry.filename} is too large)")
            with archive.open(entry) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield target


def _take(found: list[Path], out: Path, weights: bool) -> Taken:
    taken = Taken([], [], [])
    for file in (file for file in found if file.suffix == ".json" and file.name != records.REQUEST):
        try:
            (taken.new if _added(file, out) else taken.known).append(file.stem)
        except BadInput as error:
            taken.refused.append(line(str(error)))
            continue
        kept = file.with_suffix(".safetensors")
        if weights and kept in found and not records.weights(out, file.stem).exists():
            files.write(records.weights(out, file.stem), kept.read_bytes())
    request = next((file for file in found if file.name == records.REQUEST), None)
    if request and not (out / records.REQUEST).exists():
        files.write(out / records.REQUEST, request.read_bytes())
    return taken


def _added(file: Path, out: Path) -> bool:
    """Whether the record in the file was lacking, and is there now; raises BadInput where it is not one to have."""
    if file.stat().st_size > LARGEST[".json"]:
        raise BadInput(f"{file.name} is larger than any record")
    record, present = checks.checked(file), records.read(out, file.stem)
    if present is not None and not records.failed(present):
        return False
    if records.failed(record):
        raise BadInput(f"{file.name} is the record of a failure ({record['status']})")
    try:
        records.write(out, record)
    except ValueError as error:
        raise BadInput(f"{file.name} holds a number that is not finite") from error
    return True
