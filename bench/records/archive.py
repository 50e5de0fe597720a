"""Archives: the finished records of an output folder in one zip file."""

from __future__ import annotations

import errno
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.records import store, validation
from bench.records.weights import find_fault
from bench.spec.errors import InputError
from bench.system import files

RECORD_NAME = re.compile(r"[0-9a-f]{16}\.(json|safetensors)")
MAX_RATIO = 100  # of unpacked to packed bytes; it is below 10 for records


class Packed(NamedTuple):
    """Number of records packed, and number of files skipped because they are damaged or of another version."""

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
    _check_regular(target)
    target = Path(os.path.realpath(target))  # a link stays; the file that it names is replaced
    records, weights_files, left_out = _finished(out, weights)
    if not records:
        raise InputError(f"there is no finished record of this version in {out}: nothing to export")
    temporary = files.temporary_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for file in (*records, *weights_files, *further_files):
                archive.write(file, file.name)
        files.move_into_place(temporary, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror}): name another file") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Packed(len(records), left_out)


def unpack(archive: Path, folder: Path, accept: Callable[[str], bool]) -> list[Path]:
    """Unpack the entries with accepted names into a folder; raise InputError if the archive is damaged.

    Accepted names must not hold a path, which could lead out of the folder.
    """
    _check_regular(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            return list(_unpacked(opened, folder, accept))
    except FileNotFoundError as error:
        raise InputError(f"{archive} is not found: expected an archive, a folder, or an MLflow address") from error
    except Exception as error:  # zipfile raises errors of any class for a damaged file
        if isinstance(error, InputError) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{archive} is not an archive of records ({error})") from error


def _check_regular(archive: Path) -> None:
    """Raise InputError for a device or a pipe: writing would replace it by a file, reading might never end."""
    if files.find_kind(archive) not in ("", "a file", "a folder"):
        raise InputError(f"{archive} is no regular file: name an archive, such as results.zip")


def _unpacked(archive: zipfile.ZipFile, folder: Path, accept: Callable[[str], bool]) -> Iterator[Path]:
    entries = [entry for entry in archive.infolist() if accept(entry.filename)]
    for entry in entries:  # zipfile reads no more of an entry than its declared size
        if entry.file_size > store.MAX_BYTES[Path(entry.filename).suffix]:
            raise InputError(f"{archive.filename} is not an archive of records ({entry.filename} is too large)")
    names = [entry.filename for entry in entries]
    if len({*names}) < len(names):
        raise InputError(f"{archive.filename} is not an archive of records (it holds a file twice)")
    ratio = sum(entry.file_size for entry in entries) / Path(str(archive.filename)).stat().st_size
    if ratio > MAX_RATIO:
        problem = f"it would unpack to {ratio:,.0f} times its size, records to less than {MAX_RATIO} times"
        raise InputError(f"{archive.filename} is not an archive of records ({problem})")
    for entry in entries:
        target = folder / entry.filename
        with archive.open(entry) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
        yield target


def _finished(out: Path, weights: bool) -> tuple[list[Path], list[Path], int]:
    """Files of finished records, their weights, and the number of files that are damaged or of another version."""
    records: list[Path] = []
    weights_files: list[Path] = []
    left_out = 0
    for file in sorted(store.folder(out).glob("*.json")):
        try:
            record = validation.load_current(file)
        except InputError:
            left_out += 1
            continue
        if store.is_failure(record):
            continue
        records.append(file)
        weights_file = file.with_suffix(".safetensors")
        if weights and weights_file.exists():
            if find_fault(weights_file, record):
                left_out += 1
            else:
                weights_files.append(weights_file)
    return records, weights_files, left_out
