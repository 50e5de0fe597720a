"""Archives: the finished records of an output folder in one zip file."""

from __future__ import annotations

import errno
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.records import importing, store, validation
from bench.spec.errors import InputError
from bench.system import files

RECORD_NAME = re.compile(r"[0-9a-f]{16}\.(json|safetensors)")


class Packed(NamedTuple):
    """Numbers of records packed, and of records left out: damaged or of another version."""

    packed: int
    left_out: int


def pack(out: Path, target: Path, weights: bool, further_files: Sequence[Path] = ()) -> Packed:
    """Write every finished record of an output folder into one archive.

    Args:
        out: The output folder.
        target: The archive to write.
        weights: Whether the kept weights are packed, too.
        further_files: Files to pack beside the records.

    Raises:
        InputError: Nothing is finished, or the target cannot be written.
    """
    identities, left_out = _finished(out)
    if not identities:
        raise InputError(f"there is no finished record of this version in {out}: nothing to export")
    packed_files = [store.path(out, identity) for identity in identities]
    if weights:
        weights_files = (store.weights_file(out, identity) for identity in identities)
        packed_files += [file for file in weights_files if file.exists()]
    temporary = files.temporary_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for file in (*packed_files, *further_files):
                archive.write(file, file.name)
        files.move_into_place(temporary, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Packed(len(identities), left_out)


def unpack(archive: Path, folder: Path, accept: Callable[[str], bool]) -> list[Path]:
    """Unpack the entries with accepted names into a folder; raise InputError if the archive is damaged.

    Accepted names must not hold a path, which could lead out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return list(_unpacked(opened, folder, accept))
    except FileNotFoundError as error:
        raise InputError(f"{archive} is not found: expected an archive, a folder, or an MLflow address") from error
    except Exception as error:  # zipfile raises errors of any class for a damaged file
        if isinstance(error, InputError) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{archive} is not an archive of records ({error})") from error


def _unpacked(archive: zipfile.ZipFile, folder: Path, accept: Callable[[str], bool]) -> Iterator[Path]:
    for entry in archive.infolist():
        if accept(entry.filename):
            target = folder / entry.filename
            if entry.file_size > importing.LARGEST_BYTES[target.suffix]:
                raise InputError(f"{archive.filename} is not an archive of records ({entry.filename} is too large)")
            with archive.open(entry) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield target


def _finished(out: Path) -> tuple[list[str], int]:
    """Identities of the finished records, and the number of those that are damaged or of another version."""
    identities, left_out = [], 0
    for file in sorted(store.folder(out).glob("*.json")):
        try:
            identities += [file.stem] if not store.is_failure(validation.load_current(file)) else []
        except InputError:
            left_out += 1
    return identities, left_out
