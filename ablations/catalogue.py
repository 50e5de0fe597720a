"""Finds studies: modules of this folder with a STUDY, or a file from anywhere."""

from __future__ import annotations

import dataclasses
import importlib.util
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import ablations
from ablations.study import Study
from bench.spec import BadInput


def names() -> list[str]:
    """The studies of this package, by name."""
    return sorted(info.name for info in pkgutil.iter_modules(ablations.__path__) if _has_study(info.name))


def find(wanted: Sequence[str]) -> list[Study]:
    """The studies called by name or by a path ending in .py; all of the package's where none is named."""
    found = [_load(name) for name in dict.fromkeys(wanted or names())]
    taken = [study.name for study in found]
    if twice := [name for name in taken if taken.count(name) > 1]:
        raise BadInput(f"two studies are called {twice[0]}: rename the file of one")
    return found


def _load(name: str) -> Study:
    if name.endswith(".py"):
        module = _from_file(Path(name))
    elif name in names():
        module = importlib.import_module(f"ablations.{name}")
    else:
        raise BadInput(f"there is no study {name!r}: it can be {', '.join(names())}, or a file that ends in .py")
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise BadInput(f"{name} holds no study: it must set STUDY = Study(...)")
    return dataclasses.replace(study, name=Path(name).stem)


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise BadInput(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from error
    except Exception as error:
        raise BadInput(f"{file} is no study: {type(error).__name__}: {error}") from error
    return module


def _has_study(name: str) -> bool:
    return hasattr(importlib.import_module(f"ablations.{name}"), "STUDY")
