"""The request of the last run, stored in `run.json` beside its records, so that reports can repeat it."""

import hashlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Required

from pydantic import ValidationError
from typing_extensions import TypedDict

from ablations.framework import discovery
from ablations.framework.profiles import PROFILES, Seeds, Setting
from ablations.framework.request import Request
from bench import REVISION
from bench.data.source import Source
from bench.records import store, validation
from bench.runner.estimate import DurationModel
from bench.spec.errors import InputError
from bench.system import locks
from bench.system.files import read, write
from bench.system.machine_number import machine_number

REQUEST_FILE = "run.json"
ELSEWHERE: Final = "studies elsewhere"  # key of studies in files, which an import leaves out

_Studies = TypedDict("_Studies", {"studies": Required[list[str]], "studies elsewhere": list[str]}, total=False)


class _Stored(_Studies, total=False):
    signature: str  # of the studies; see `_sign`
    profile: Required[str]
    seeds: Required[Seeds | None]
    extra_seeds: dict[str, dict[str, Seeds]]  # missing until revision 5
    device: Required[Literal["cpu", "cuda"]]
    precision: Required[Literal["float32", "bfloat16"]]
    source: Required[dict[str, Any]]


def save_request(request: Request, out: Path) -> None:
    """Store the request in the output folder; raise InputError if it cannot be written."""
    setting, source = request.setting, request.source
    studies = [str(Path(name).resolve()) if name.endswith(".py") else name for name in request.study_names]
    fields = {
        "studies": studies,
        "signature": _sign(studies),
        "profile": setting.profile.name,
        "seeds": setting.seeds,
        "extra_seeds": setting.extra_seeds,
        "device": setting.device,
        "precision": setting.precision,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    try:
        write(out / REQUEST_FILE, json.dumps(fields, indent=2).encode())
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): name another folder with --out") from error


def load_request(out: Path, study_names: Sequence[str] = (), is_trusted: bool = False) -> Request:
    """Return the request of the last run into a folder, without reading its images.

    Args:
        out: The output folder.
        study_names: Names or paths of other studies, in place of those of the run.
        is_trusted: Whether the run's study files are executed even if another user or another machine named them.

    Raises:
        InputError: The request or a record is missing or damaged, or a study is invalid.
    """
    file = out / REQUEST_FILE
    if not os.path.exists(file):  # Path.exists raises if a name is too long
        raise InputError(f"{file} not found: run studies into {out} first (see: ablate run --help)")
    fields, source, setting = read_request(file)
    if (missing_studies := fields.get(ELSEWHERE)) and not study_names:
        problem = f"{file} was imported without {', '.join(missing_studies)}"
        raise InputError(f"{problem}: name the studies to report, and your own copies of the files")
    if not study_names:
        _check_files(fields, out, is_trusted)
    study_names = tuple(study_names or fields["studies"])
    request = Request(study_names, discovery.find_studies(study_names), setting, source)
    _, note = check_output(request, out)
    return request._replace(note=note)


def read_request(file: Path) -> tuple[_Stored, Source, Setting]:
    """Return a stored request's fields, data and setting; raise InputError if it is damaged."""
    try:
        fields = validation.adapter(_Stored).validate_json(read(file), strict=True)
        source = _source(fields["source"])
        profile, seeds, extra_seeds = PROFILES[fields["profile"]], fields["seeds"], fields.get("extra_seeds", {})
        setting = Setting(profile, source.data, fields["device"], fields["precision"], seeds, {}, extra_seeds)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = validation.describe_error(error)
        raise InputError(f"{file} is damaged ({reason}): rerun `ablate run` to write it again") from error
    return fields, source, setting


def _check_files(fields: _Stored, out: Path, is_trusted: bool) -> None:
    """Raise InputError if a study file of the last run is missing, or if another user may have named it."""
    study_names = fields["studies"]
    files = [name for name in study_names if name.endswith(".py")]
    if missing_files := [name for name in files if not os.path.exists(name)]:
        words = [f"PATH/TO/{Path(name).name}" if name in missing_files else name for name in study_names]
        command = shlex.join(["ablate", "report", *words, "--out", str(out)])
        problem = f"study file {' and '.join(missing_files)} not found"
        raise InputError(f"{problem}: if it was moved, name its new place: {command}")
    if files and not is_trusted and fields.get("signature") != _sign(study_names):
        problem = f"{out / REQUEST_FILE} was not written by you on this machine"
        advice = "read what a report would run, then add --trust, or name the studies to report"
        raise InputError(f"{problem}: {advice} ({', '.join(files)})")


def _sign(study_names: Sequence[str]) -> str:
    """Sign the names by this user and machine; the sender of an output folder does not know the machine's number."""
    return hashlib.sha256(json.dumps([machine_number(), os.getuid(), study_names]).encode()).hexdigest()


def prepare_output(out: Path) -> None:
    """Make an output folder with its parts; raise OSError, naming the one that cannot be written or has no locks."""
    for folder in (out, *(out / name for name in ("trials", "reports", "cache"))):
        folder.mkdir(parents=True, exist_ok=True)
        locks.check_folder(folder)


def check_output(request: Request, out: Path) -> tuple[DurationModel, str]:
    """Check an output folder; return the durations of its jobs, and a note on records of earlier revisions or ''.

    Raises:
        InputError: A study or a record cannot be used.
    """
    request.placed_jobs()
    durations = DurationModel(request.source.validation, request.source.test)
    earlier_revisions = []
    for file in sorted(store.folder(out).glob("*.json")):
        try:
            record = validation.load_valid(file)
            revision = validation.find_revision(file, record)
        except InputError as error:
            repair = f"ablate doctor --fix --out {out} puts it aside, and the next run measures it again"
            problem = f"{file} is no record that can be used ({str(error)[:300]})"
            raise InputError(f"{problem}: {repair}") from error
        if revision == REVISION:
            durations.learn(record)
        else:
            earlier_revisions.append(revision)
    if not earlier_revisions:
        return durations, ""
    count = f"records of revision {max(earlier_revisions)} or earlier that are not used: {len(earlier_revisions):,}"
    return durations, f"{out} holds {count}"


def stored_extra_seeds(request: Request, out: Path) -> Mapping[str, Mapping[str, int]]:
    """Return the seeds that undecided claims requested in an interrupted run with the same setting; {} without one."""
    try:
        _, _, setting = read_request(out / REQUEST_FILE)
    except InputError:  # the next run writes it again
        return {}
    is_same = setting._replace(extra_seeds={}) == request.setting._replace(extra_seeds={})
    return setting.extra_seeds if is_same else {}


def import_request(file: Path, out: Path) -> list[str]:
    """Copy another folder's request into a folder that has none.

    Returns:
        Its studies in files. They are left out, because a report would run their code.

    Raises:
        InputError: The request is damaged.
    """
    if (out / REQUEST_FILE).exists():
        return []
    store.check_size(file)
    content = file.read_bytes()
    try:
        fields = validation.adapter(_Studies).validate_json(content, strict=True, extra="allow")
    except ValidationError as error:
        raise InputError(f"{file.name} is damaged ({validation.describe_error(error)})") from error
    names = fields["studies"]
    elsewhere = [*fields.get(ELSEWHERE, []), *(name for name in names if name.endswith(".py"))]
    if elsewhere:
        fields |= {"studies": [name for name in names if name not in elsewhere], ELSEWHERE: elsewhere}
        content = json.dumps(fields, indent=2).encode()
    out.mkdir(parents=True, exist_ok=True)
    write(out / REQUEST_FILE, content)
    return elsewhere


def _source(fields: dict[str, Any]) -> Source:
    source: Source = validation.adapter(Source).validate_json(json.dumps(fields), strict=True, extra="forbid")
    data = source.data
    if data.train < 1 or data.classes < 2 or not 0 <= data.chance <= 1:
        raise ValueError(f"{data.train} images of {data.classes} classes, chance {data.chance}")
    return source
