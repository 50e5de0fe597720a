"""What comes from elsewhere, record by record: checked before it is let in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from bench.records import store, validation
from bench.spec.errors import InputError
from bench.system import files
from bench.system.text import printable

LARGEST = {".json": 2**28, ".safetensors": 2**32}  # bytes of a file that is taken


class Taken(NamedTuple):
    """Identities of records that were new and that were here before; what was refused, in words; the studies in files
    that the last run was asked for, which are not taken along."""

    new: list[str]
    known: list[str]
    refused: list[str]
    studies: list[str]


def admit(found: list[Path], out: Path, weights: bool) -> Taken:
    """Into `out`, what can be used of these files: records, weights and what a run was asked."""
    taken = Taken([], [], [], [])
    for file in found:
        try:
            if file.name == store.REQUEST:
                taken.studies.extend(_request(file, out))
            elif file.suffix == ".json":
                (taken.new if _added(file, out) else taken.known).append(file.stem)
                if weights and (kept := file.with_suffix(".safetensors")) in found:
                    _weights(kept, out)
        except InputError as error:
            taken.refused.append(printable(str(error)))
    return taken


def _request(file: Path, out: Path) -> list[str]:
    """Take along what the last run was asked, where nothing was here, less its studies in files, which are returned:
    a report would run their code."""
    if (out / store.REQUEST).exists():
        return []
    _small(file)
    try:
        kept = json.loads(content := file.read_bytes())
        names, before = validation.texts(kept["studies"]), validation.texts(kept.get(store.ELSEWHERE, []))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file.name} is damaged ({type(error).__name__}: {error})") from error
    elsewhere = [*before, *(name for name in names if name.endswith(".py"))]
    if elsewhere:
        kept |= {"studies": [name for name in names if name not in elsewhere], store.ELSEWHERE: elsewhere}
        content = json.dumps(kept, indent=2).encode()
    files.write(out / store.REQUEST, content)
    return elsewhere


def _weights(file: Path, out: Path) -> None:
    """Take weights along where they were lacking; a probe of others would fail for ever."""
    target = store.weights(out, file.stem)
    if target.exists():
        return
    _small(file)
    try:
        with safe_open(file, framework="numpy") as opened:  # which looks at what it tells of the file, and its length
            names = list(opened.keys())
    except SafetensorError as error:
        raise InputError(f"{file.name} holds no weights ({error})") from error
    if not names:
        raise InputError(f"{file.name} holds no weights")
    files.write(target, file.read_bytes())


def _small(file: Path) -> None:
    """Raises InputError where the file is larger than any of its kind."""
    if file.stat().st_size > LARGEST[file.suffix]:
        raise InputError(f"{file.name} is larger than any that this harness writes")


def _added(file: Path, out: Path) -> bool:
    """Whether the record in the file was lacking, and is there now; raises InputError where it is not one to have."""
    _small(file)
    record, present = validation.checked(file), store.read(out, file.stem)
    if present is not None and not store.failed(present):
        return False
    if store.failed(record):
        raise InputError(f"{file.name} is the record of a failure ({record['status']})")
    try:
        store.write(out, record)
    except ValueError as error:
        raise InputError(f"{file.name} holds a number that is not finite") from error
    return True
