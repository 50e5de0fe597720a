"""Finds studies: modules of this folder with a STUDY, or a file from anywhere."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import ablations
from ablations.framework.study import AGAIN, SHUFFLED, Ask, Claim, Contrast, Exact, Scale, Study, Tuning
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.system.text import printable


def study_names() -> list[str]:
    """The studies of this package, by name."""
    return sorted(info.name for info in pkgutil.iter_modules(ablations.__path__) if _has_study(info.name))


def find_studies(wanted: Sequence[str]) -> list[Study]:
    """The studies called by name or by a path ending in .py; all of the package's where none is named."""
    found = [_load(name) for name in dict.fromkeys(wanted or study_names())]
    taken = [study.name for study in found]
    if twice := [name for name in taken if taken.count(name) > 1]:
        raise InputError(printable(f"two studies are called {twice[0]}: rename the file of one"))
    claims = [(claim.id, study.name) for study in found for claim in study.claims]
    for claim, _ in claims:
        if len(where := [study for one, study in claims if one == claim]) > 1:
            raise InputError(printable(f"several claims have the id {claim!r} ({' and '.join(where)}): rename them"))
    return found


def _load(name: str) -> Study:
    if name.endswith(".py"):
        module = _from_file(Path(name))
    elif name in study_names():
        module = importlib.import_module(f"ablations.{name}")
    else:
        raise InputError(
            printable(f"there is no study {name!r}: it can be {', '.join(study_names())}, or a file that ends in .py")
        )
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise InputError(printable(f"{name} holds no study: it must set STUDY = Study(...)"))
    if odd := _odd(study):
        raise InputError(printable(f"{name} is no study: {odd}"))
    return dataclasses.replace(study, name=printable(Path(name).stem))


def _odd(study: Study) -> str:
    """What is not as `Study` has it, or ''."""
    parts = [part for claim in _all(Claim, study.claims) for part in _all(Contrast | Exact, claim.parts)]
    mappings = {name: getattr(study, name) for name in ("base", "arms", "counts", "seeds", "switches", "combinations")}
    wrong = {
        "claims must be a tuple of Claim; one alone needs a comma: (Claim(...),)": not _are(Claim, study.claims),
        "a claim's parts must be a tuple of Contrast or Exact; one alone needs a comma: (Contrast(...),)": not all(
            _are(Contrast | Exact, claim.parts) for claim in _all(Claim, study.claims)
        ),
        "a claim's metric and arms must be text": not all(isinstance(t, str) for p in parts for t in (p.metric, p.arm)),
        "a contrast's reference must be an arm or a number": not all(
            isinstance(p.reference, str | int | float) for p in parts
        ),
        f"{', '.join(mappings)} must be dictionaries with names for keys": not all(
            isinstance(m, Mapping) and all(isinstance(key, str) for key in m) for m in mappings.values()
        ),
        "probes must be a tuple of Ask, and tuning a Tuning": not (
            _are(Ask, study.probes) and isinstance(study.tuning, Tuning | None)
        ),
        "scale must be a Scale with a dictionary of arms for each series": not (
            study.scale is None or (isinstance(study.scale, Scale) and _are_mappings(study.scale.series))
        ),
    }
    return next((what for what, is_so in wrong.items() if is_so), "") or _odd_arms(study) or _odd_text(study)


def _odd_text(study: Study) -> str:
    halves = [text for text in _texts(study) if any("\ud800" <= letter <= "\udfff" for letter in text)]
    return f"{halves[0]!r} holds half a character, which no file can keep: write it otherwise" if halves else ""


def _texts(value: Any) -> Iterator[str]:
    """Every text in the value."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        yield from _texts(list(vars(value).values()))
    elif isinstance(value, Mapping | list | tuple):
        for part in value.items() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _odd_arms(study: Study) -> str:
    if odd := [arm for arm, levels in study.arms.items() if not isinstance(levels, Mapping)]:
        return f"arm {odd[0]!r} must be a dictionary of levels, which may be empty"
    if odd := [arm for arm, model in study.counts.items() if not isinstance(model, ModelConfig)]:
        return f"count {odd[0]!r} must be a Model(...)"
    if odd := [arm for arm in (AGAIN, SHUFFLED) if arm in study.arms]:
        return f"arm {odd[0]!r} has the name of a control, which comes by itself: rename it"
    return "" if callable(study.timings) else "timings must be a function of the setting"


def _are(kind: Any, values: Any) -> bool:
    return isinstance(values, tuple | list) and len(_all(kind, values)) == len(values)


def _are_mappings(series: Any) -> bool:
    return isinstance(series, Mapping) and _are(Mapping, list(series.values()))


def _all(kind: Any, values: Any) -> list[Any]:
    """Those of the values that are of this kind."""
    return [value for value in values if isinstance(value, kind)] if isinstance(values, tuple | list) else []


def _from_file(file: Path) -> ModuleType:
    if not os.path.exists(file):  # Path.exists raises where a name is too long
        raise InputError(printable(f"there is no file {file}"))
    if not file.is_file():
        raise InputError(printable(f"{file} is no regular file: name a file that sets STUDY = Study(...)"))
    spec = importlib.util.spec_from_file_location(printable(file.stem), file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        raise InputError(printable(f"{file}: {error}")) from error
    except (Exception, SystemExit) as error:
        raise InputError(printable(f"{file} is no study: {type(error).__name__}: {error}")) from error
    return module


def _has_study(name: str) -> bool:
    return hasattr(importlib.import_module(f"ablations.{name}"), "STUDY")
