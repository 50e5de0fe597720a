"""What the last run was asked, kept beside its records so that reports can ask again; whether all that can be used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Required

from pydantic import Field, ValidationError
from typing_extensions import TypedDict

from ablations.framework import discovery
from ablations.framework.request import Request
from ablations.framework.setting import AGAIN_SEED_OFFSET, make_setting
from bench.data.source import Source
from bench.records import importing, store, validation
from bench.runner import estimate
from bench.spec.errors import InputError
from bench.spec.jobs import identity
from bench.system.files import write
from bench.system.text import printable

REQUEST_FILE = "run.json"  # beside the records: the request of the last run, which a report needs
ELSEWHERE = "studies elsewhere"  # its key for studies in files, which an import leaves out

_Studies = TypedDict("_Studies", {"studies": Required[list[str]], "studies elsewhere": list[str]}, total=False)


class _Stored(_Studies, total=False):
    profile: Required[str]
    seeds: Required[int | None]
    further: dict[str, dict[str, Annotated[int, Field(ge=1, le=AGAIN_SEED_OFFSET)]]] | None
    device: Required[str]
    source: Required[dict[str, Any]]


def save_request(request: Request, out: Path) -> None:
    setting, source = request.setting, request.source
    kept = {
        "studies": [str(Path(name).resolve()) if name.endswith(".py") else name for name in request.study_names],
        "profile": setting.profile.name,
        "seeds": setting.seeds,
        "further": None if setting.extra_seeds is None else _nested(setting.extra_seeds),
        "device": setting.device,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    try:
        write(out / REQUEST_FILE, json.dumps(kept, indent=2).encode())
    except OSError as error:
        raise InputError(
            printable(f"{out} cannot be written ({error.strerror}): name another folder with --out")
        ) from error


def load_request(out: Path, names: Sequence[str] = ()) -> Request:
    """The last run's request, or what it would be of the studies that are named; needs neither the data nor torch."""
    file = out / REQUEST_FILE
    if not os.path.exists(file):  # Path.exists raises where a name is too long
        raise InputError(printable(f"there is no {file}: nothing was run into {out} yet (see: ablate run --help)"))
    try:
        kept = validation.adapter(_Stored).validate_json(file.read_bytes(), strict=True)
        source = _source(kept["source"])
        chosen = make_setting(kept["profile"], kept["seeds"], source.data, kept["device"])
        chosen = chosen._replace(extra_seeds=_further(kept.get("further")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = validation.describe_error(error)
        raise InputError(
            printable(f"{file} is damaged ({reason}): ablate run, as it was called, writes it anew")
        ) from error
    elsewhere = kept.get(ELSEWHERE, [])
    if elsewhere and not names:
        told = f"{file} was imported without {', '.join(elsewhere)}"
        raise InputError(printable(f"{told}: name the studies to report, and your own copies of the files"))
    chosen_names = tuple(names) or tuple(kept["studies"])
    request = Request(chosen_names, discovery.find_studies(chosen_names), chosen, source)
    check_output(request, out)
    return request


def check_output(request: Request, out: Path) -> estimate.Pace:
    """What earlier jobs tell of the time that others will take; InputError where a folder of `out` or a record cannot
    be used. Those that the request asks for by name must be this version's own; any other may be asked for by
    tuning."""
    for name in ("trials", "reports", "cache"):
        if (out / name).exists() and not ((out / name).is_dir() and os.access(out / name, os.W_OK)):
            raise InputError(printable(f"{out / name} is no folder that can be written: name another one with --out"))
    asked, pace = (
        {identity(job) for job in request.job_titles()},
        estimate.Pace(request.source.validation, request.source.test),
    )
    for file in sorted(store.folder(out).glob("*.json")):
        pace.learn(_record(file, out, validation.load_current if file.stem in asked else validation.load_valid))
    return pace


def _record(file: Path, out: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read(file)
    except InputError as error:
        mend = f"ablate doctor --fix --out {out} puts it aside, and the next run measures it again"
        raise InputError(printable(f"{file} is no record that can be used ({str(error)[:300]}): {mend}")) from error


def adopt(file: Path, out: Path) -> list[str]:
    """Copy another folder's request where `out` has none; return its studies in files, which are left out: a report
    would run their code."""
    if (out / REQUEST_FILE).exists():
        return []
    importing.check_size(file)
    content = file.read_bytes()
    try:
        kept = validation.adapter(_Studies).validate_json(content, strict=True, extra="allow")
    except ValidationError as error:
        raise InputError(f"{file.name} is damaged ({validation.describe_error(error)})") from error
    names = kept["studies"]
    elsewhere = [*kept.get(ELSEWHERE, []), *(name for name in names if name.endswith(".py"))]
    if elsewhere:
        kept |= {"studies": [name for name in names if name not in elsewhere], ELSEWHERE: elsewhere}
        content = json.dumps(kept, indent=2).encode()
    write(out / REQUEST_FILE, content)
    return elsewhere


def _source(fields: dict[str, Any]) -> Source:
    source: Source = validation.adapter(Source).validate_json(json.dumps(fields), strict=True, extra="forbid")
    data = source.data
    if data.train < 1 or data.classes < 2 or not 0 <= data.chance <= 1:
        raise ValueError(f"{data.train} images of {data.classes} classes, chance {data.chance}")
    return source


def _nested(further: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Seeds by study and arm."""
    found: dict[str, dict[str, int]] = {}
    for (study, arm), seeds in further.items():
        found.setdefault(study, {})[arm] = seeds
    return found


def _further(nested: Mapping[str, Mapping[str, int]] | None) -> dict[tuple[str, str], int] | None:
    """What `_nested` wrote; None of a run with a fixed number of seeds."""
    if nested is None:
        return None
    return {(study, arm): seeds for study, arms in nested.items() for arm, seeds in arms.items()}
