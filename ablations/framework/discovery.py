"""Loads studies: modules of the package `ablations`, or files from anywhere."""

import dataclasses
import importlib.util
import os
import pkgutil
import reprlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

import ablations
from ablations.framework.study import Study
from bench.records.validation import adapter
from bench.spec.errors import InputError
from bench.system.text import printable

SHIM = "study"  # the only public module of the package that is not a study
EXPECTED = {  # the expected value, by pydantic's error type
    "callable_type": "a function",
    "dict_type": "a dictionary, which may be empty",
    "is_instance_of": "a tuple; one alone needs a comma: ({},)",
    "sequence_str": "a tuple; one alone needs a comma: ({},)",
    "string_type": "text",
    "string_unicode": "text without half a character, which no file can store",
}


def study_names() -> list[str]:
    """Return the names of the package's studies: of its modules whose name begins with no underscore."""
    modules = [module.name for module in pkgutil.iter_modules(ablations.__path__) if not module.ispkg]
    return sorted(name for name in modules if name != SHIM and not name.startswith("_"))


def find_studies(names: Sequence[str]) -> list[Study]:
    """Return the studies of these names or paths ending in .py, each once; without any, those of the package.

    Raises:
        InputError: A study is not found or invalid, or two studies or claims share a name.
    """
    studies = [_load(name) for name in dict.fromkeys(names or study_names())]
    for name, count in Counter(study.name for study in studies).items():
        if count > 1:
            raise InputError(f"two studies are called {name}: rename the file of one")
    claims = [(claim.id, study.name) for study in studies for claim in study.claims]
    for claim_id, count in Counter(claim_id for claim_id, _ in claims).items():
        if count > 1:
            owners = " and ".join(study for other_id, study in claims if other_id == claim_id)
            raise InputError(f"several claims have the id {claim_id!r} ({owners}): rename them")
    return studies


def _load(name: str) -> Study:
    _check_exists(name)
    try:
        module = _run_file(name) if name.endswith(".py") else importlib.import_module(f"ablations.{name}")
        study = getattr(module, "STUDY", None)
        if not isinstance(study, Study):
            raise InputError("it holds no study: it must set STUDY = Study(...)")
        adapter(Study).validate_python(study)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except (Exception, SystemExit) as error:
        reason = _describe(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        raise InputError(f"{name} is no valid study: {reason}") from error
    return dataclasses.replace(study, name=printable(Path(name).stem))


def _check_exists(name: str) -> None:
    if not name.endswith(".py"):
        if name not in (names := study_names()):
            known = ", ".join(names)
            raise InputError(f"study {name!r} not found: expected {known}, or a file that ends in .py")
    elif not os.path.exists(name):  # Path.exists raises if a name is too long
        raise InputError(f"study file {name} not found")
    elif not os.path.isfile(name):
        raise InputError(f"{name} is no regular file: name a file that sets STUDY = Study(...)")


def _run_file(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"study file {printable(Path(name).stem)}", name)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # a dataclass in the file looks it up
    spec.loader.exec_module(module)
    return module


def _describe(error: ValidationError) -> str:
    """Describe the first invalid value: its place, the value, and what is expected there."""
    first, *others = error.errors(include_url=False)
    place, value = first["loc"], first["input"]
    alternatives = [each for each in others if each["loc"][:-1] == place[:-1] and each["input"] is value]
    path = ".".join(map(str, place[:-1] if alternatives else place))
    example = repr(value) if isinstance(value, str) else f"{type(value).__name__}(...)"
    messages = [EXPECTED.get(each["type"], each["msg"]).format(example) for each in (first, *alternatives)]
    expected = " or ".join(message.removeprefix("Input should be ") for message in messages)
    return f"{path} is {reprlib.repr(value)}: expected {expected}"
