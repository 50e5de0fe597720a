"""What the last run was asked, kept beside its records so that reports can ask again; whether all that can be used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations import catalogue
from ablations.request import Request, setting
from ablations.study import AGAIN_SEEDS
from bench import checks, plan, records
from bench.data import Source
from bench.files import write
from bench.sources import line
from bench.spec import BadInput, Data, identity


def remember(request: Request, out: Path) -> None:
    setting, source = request.setting, request.source
    kept = {
        "studies": [str(Path(name).resolve()) if name.endswith(".py") else name for name in request.names],
        "profile": setting.profile.name,
        "seeds": setting.seeds,
        "further": None if setting.further is None else _nested(setting.further),
        "device": setting.device,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    try:
        write(out / records.REQUEST, json.dumps(kept, indent=2).encode())
    except OSError as error:
        raise BadInput(line(f"{out} cannot be written ({error.strerror}): name another folder with --out")) from error


def recall(out: Path, names: Sequence[str] = ()) -> Request:
    """The last run's request, or what it would be of the studies that are named; needs neither the data nor torch."""
    file = out / records.REQUEST
    if not os.path.exists(file):  # Path.exists raises where a name is too long
        raise BadInput(line(f"there is no {file}: nothing was run into {out} yet (see: ablate run --help)"))
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        source, last = _source(kept["source"]), checks.texts(kept["studies"])
        elsewhere = checks.texts(kept.get(records.ELSEWHERE, []))
        chosen = setting(kept["profile"], kept["seeds"], source.data, kept["device"])
        chosen = chosen._replace(further=_further(kept.get("further")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadInput(line(f"{file} is damaged ({reason}): ablate run, as it was called, writes it anew")) from error
    if elsewhere and not names:
        told = f"{file} was imported without {', '.join(elsewhere)}"
        raise BadInput(line(f"{told}: name the studies to report, and your own copies of the files"))
    chosen_names = tuple(names) or last
    request = Request(chosen_names, catalogue.find(chosen_names), chosen, source)
    check(request, out)
    return request


def check(request: Request, out: Path) -> plan.Pace:
    """What earlier jobs tell of the time that others will take; BadInput where a folder of `out` or a record cannot be
    used. Those that the request asks for by name must be this version's own; any other may be asked for by tuning."""
    for name in ("trials", "reports", "cache"):
        if (out / name).exists() and not ((out / name).is_dir() and os.access(out / name, os.W_OK)):
            raise BadInput(line(f"{out / name} is no folder that can be written: name another one with --out"))
    asked, pace = {identity(job) for job in request.titles()}, plan.Pace(request.source.validation, request.source.test)
    for file in sorted(records.folder(out).glob("*.json")):
        pace.learn(_record(file, out, checks.checked if file.stem in asked else checks.legible))
    return pace


def _record(file: Path, out: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read(file)
    except BadInput as error:
        mend = f"ablate doctor --mend --out {out} puts it aside, and the next run measures it again"
        raise BadInput(line(f"{file} is no record that can be used ({str(error)[:300]}): {mend}")) from error


def _source(kept: dict[str, Any]) -> Source:
    checks.typed(kept, {"folder": str, "note": str, "validation": int, "test": int, "shared_images": int})
    checks.typed(kept["data"], {"digest": str, "classes": int, "train": int, "chance": checks.NUMBER, "name": str})
    data = Data(**kept["data"])
    if data.train < 1 or data.classes < 2:
        raise ValueError(f"{data.train} images of {data.classes} classes")
    return Source(**{**kept, "data": data, "folder": Path(kept["folder"]), "classes": checks.texts(kept["classes"])})


def _nested(further: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Seeds by study and arm."""
    found: dict[str, dict[str, int]] = {}
    for (study, arm), seeds in further.items():
        found.setdefault(study, {})[arm] = seeds
    return found


def _further(kept: Any) -> dict[tuple[str, str], int] | None:
    """What `_nested` wrote; None of a run with a fixed number of seeds."""
    if kept is None:
        return None
    for arms in kept.values():
        checks.typed(arms, dict.fromkeys(arms, int))
        if any(not 1 <= seeds <= AGAIN_SEEDS for seeds in arms.values()):
            raise ValueError(f"further seeds are {arms}")
    return {(study, arm): seeds for study, arms in kept.items() for arm, seeds in arms.items()}
