"""The request of the last run, stored in `run.json` beside its records, so that reports can repeat it."""

import hashlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Required

from typing_extensions import TypedDict

from ablations.framework import discovery
from ablations.framework.declarations import describe_unread, study_from_json, study_to_json
from ablations.framework.profiles import PROFILES, Seeds, Setting
from ablations.framework.request import Request
from ablations.framework.study import Study
from bench import REVISION
from bench.data.source import Source
from bench.records import store, validation
from bench.runner.estimate import DurationModel
from bench.spec.errors import InputError
from bench.system import locks
from bench.system.files import write
from bench.system.machine_number import machine_number

REQUEST_FILE = "run.json"


class _Stored(TypedDict, total=False):
    studies: Required[list[str]]
    signature: str  # of the studies; see `_sign`
    declarations: dict[str, dict[str, Any]]  # by name, of the studies that are not of the package
    profile: Required[str]
    seeds: Required[Seeds | None]
    extra_seeds: dict[str, dict[str, Seeds]]  # missing until revision 5
    device: Required[Literal["cpu", "cuda"]]
    precision: Required[Literal["float32", "bfloat16"]]
    source: Required[dict[str, Any]]


def save_request(request: Request, out: Path) -> None:
    """Store the request in the output folder; raise InputError if it cannot be written."""
    setting, source = request.setting, request.source
    studies = [os.path.abspath(name) if name.endswith(".py") else name for name in request.study_names]
    own_names = {discovery.study_name(name) for name in {*studies} - {*discovery.study_names()}}
    own_studies = [study for study in request.studies if study.name in own_names]
    fields = {
        "studies": studies,
        "signature": _sign(studies),
        "declarations": {study.name: study_to_json(study, setting) for study in own_studies},
        "profile": setting.profile.name,
        "seeds": setting.seeds,
        "extra_seeds": setting.extra_seeds,
        "device": setting.device,
        "precision": setting.precision,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    content = json.dumps(fields, indent=2).encode()
    if len(content) > store.MAX_BYTES[".json"]:
        raise InputError(f"{out / REQUEST_FILE} would hold {len(content):,} bytes of studies: declare fewer arms")
    try:
        write(out / REQUEST_FILE, content)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): name another folder with --out") from error


def load_request(out: Path, study_names: Sequence[str] = ()) -> Request:
    """Return the request of the last run into a folder, without reading its images.

    Args:
        out: The output folder.
        study_names: Names or paths of other studies, in place of those of the run.

    Raises:
        InputError: The request or a record is missing or damaged, or a study is invalid.
    """
    file = out / REQUEST_FILE
    if not os.path.exists(file):  # Path.exists raises if a name is too long
        raise InputError(f"{file} not found: run studies into {out} first (see: ablate run --help)")
    fields, source, setting = read_request(file)
    declared = _find_declared(fields, study_names, file)
    study_names = tuple(study_names or fields["studies"])
    request = Request(study_names, discovery.find_studies(study_names, declared), setting, source)
    _, note = check_output(request, out)
    unread_note = describe_unread([study.name for name, study in declared.items() if name.endswith(".py")])
    return request._replace(note=". ".join(filter(None, (note, unread_note))))


def read_request(file: Path) -> tuple[_Stored, Source, Setting]:
    """Return a stored request's fields, data and setting; raise InputError if it is damaged."""
    try:
        store.check_size(file)
        fields = validation.adapter(_Stored).validate_json(file.read_bytes(), strict=True, extra="forbid")
        source = _source(fields["source"])
        profile, seeds, extra_seeds = PROFILES[fields["profile"]], fields["seeds"], fields.get("extra_seeds", {})
        setting = Setting(profile, source.data, fields["device"], fields["precision"], seeds, {}, extra_seeds)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = validation.describe_error(error)
        raise InputError(f"{file} is damaged ({reason}): rerun `ablate run` to write it again") from error
    return fields, source, setting


def _find_declared(fields: _Stored, named: Sequence[str], file: Path) -> dict[str, Study]:
    """Return the studies to take from their declarations, by name or path.

    A study file is executed only if the user named it: now, or for a run on this machine.
    """
    package_names, is_own = discovery.study_names(), fields.get("signature") == _sign(fields["studies"])
    declared = {}
    for name in named or fields["studies"]:
        is_file, study_name = name.endswith(".py"), discovery.study_name(name)
        if name in package_names or (is_file and (named or (is_own and os.path.isfile(name)))):
            continue
        if study_name in fields.get("declarations", {}):
            declared[name] = _read_declaration(file, fields, study_name)
        elif is_file:
            words = [f"PATH/TO/{Path(n).name}" if n.endswith(".py") else n for n in fields["studies"]]
            command = shlex.join(["ablate", "report", *words, "--out", str(file.parent)])
            problem = f"{file} holds no declaration of the study {study_name}, and {name} "
            problem += "was not named by you on this machine" if os.path.isfile(name) else "is not found"
            raise InputError(f"{problem}: name your own copy of the file: {command}")
    return declared


def _read_declaration(file: Path, fields: _Stored, name: str) -> Study:
    try:
        return study_from_json(name, fields["declarations"][name])
    except InputError as error:
        raise InputError(f"{file} is damaged ({error})") from error


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


def import_request(file: Path, out: Path) -> None:
    """Copy another folder's request into a folder that has none; raise InputError if it is damaged."""
    if (out / REQUEST_FILE).exists():
        return
    fields, _, _ = read_request(file)
    for name in fields.get("declarations", {}):
        _read_declaration(file, fields, name)
    out.mkdir(parents=True, exist_ok=True)
    write(out / REQUEST_FILE, file.read_bytes())


def _source(fields: dict[str, Any]) -> Source:
    source: Source = validation.adapter(Source).validate_json(json.dumps(fields), strict=True, extra="forbid")
    data = source.data
    if data.train < 1 or data.classes < 2 or not 0 <= data.chance <= 1:
        raise ValueError(f"{data.train} images of {data.classes} classes, chance {data.chance}")
    return source
