"""Loads studies: modules of the package `ablations`, or files from anywhere."""

import dataclasses
import os
import pkgutil
import re
import reprlib
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

import ablations
from ablations.framework.study import Study
from ablations.framework.study_files import check_helpers, find_folder, import_module, run_file
from bench.metrics.registry import Metric
from bench.records.validation import adapter
from bench.spec.errors import InputError, Interrupted
from bench.system.text import printable

ALIAS_MODULE = "study"  # the only public module of the package that is not a study
ARTICLE = (  # order of its claims, in which lists and reports show them; other studies follow by name
    "architecture", "data", "augmentation", "relu", "relu_speed", "gradients", "sparsity", "dropout", "dropout_place",
    "sub_networks", "coadaptation", "lrn", "lrn_competition", "kernels", "depth", "gpu", "ingredients", "script",
)  # fmt: skip
MAX_LETTERS = 60  # of a name in a message
EXPECTED = {  # the expected value, by pydantic's error type
    "callable_type": "a function",
    "dict_type": "a dictionary, which may be empty",
    "is_instance_of": "a tuple; one alone needs a comma: ({},)",
    "sequence_str": "a tuple; one alone needs a comma: ({},)",
    "string_type": "text",
    "too_short": "at least one item",
    "tuple_type": "a tuple; one alone needs a comma: ({},)",
    "string_unicode": "text without half a character, which no file can store",
}


def study_names() -> list[str]:
    """Return the names of the package's studies, its modules without a leading underscore: in the article's order."""
    modules = [module.name for module in pkgutil.iter_modules(ablations.__path__) if not module.ispkg]
    names = sorted(name for name in modules if name != ALIAS_MODULE and not name.startswith("_"))
    return sorted(names, key=lambda name: ARTICLE.index(name) if name in ARTICLE else len(ARTICLE))


def study_name(name: str) -> str:
    """Return the name of the study that a name or the path of a file stands for."""
    return printable(Path(name).stem if name.endswith(".py") else name)


def find_studies(names: Sequence[str], declared: Mapping[str, Study] = MappingProxyType({})) -> list[Study]:
    """Return the studies with these names, or paths that end in .py, each once; without names, all of the package.

    Nothing is loaded for a name in `declared`.

    Raises:
        InputError: A study is not found or invalid, or two studies, claims, metrics or imported files share a name.
    """
    names_by_place: dict[str, str] = {}
    for name in names or study_names():  # ./mine.py is mine.py
        names_by_place.setdefault(os.path.abspath(name) if name.endswith(".py") else name, name)
    studies = [declared[name] if name in declared else _load(name) for name in names_by_place.values()]
    check_helpers(sorted({find_folder(name) for name in names if name.endswith(".py") and name not in declared}))
    for name, count in Counter(study.name for study in studies).items():
        if count > 1:
            raise InputError(f"two studies are called {name}: rename the file of one")
    claims = [(claim.id, study.name) for study in studies for claim in study.claims]
    for claim_id, count in Counter(claim_id for claim_id, _ in claims).items():
        if count > 1:
            owners = " and ".join(study for other_id, study in claims if other_id == claim_id)
            raise InputError(f"several claims have the id {claim_id!r} ({owners}): rename them")
    _check_metrics(studies)
    return studies


def _check_metrics(studies: Sequence[Study]) -> None:
    """Raise InputError if two studies declare a metric of one name differently, since a report shows it in one way."""
    first: dict[str, tuple[Study, Metric]] = {}
    declared = [(study, component) for study in studies for component in study.components]
    for study, component in declared:
        if component.metric is not None:
            other, metric = first.setdefault(component.name, (study, component.metric))
            if metric != component.metric:
                problem = f"studies {other.name} and {study.name} declare metric {component.name!r} differently"
                raise InputError(f"{problem} (label, unit, factor or range): rename one of the metrics")


def _load(name: str) -> Study:
    _check_exists(name)
    try:
        module, components = run_file(name) if name.endswith(".py") else import_module(f"ablations.{name}")
        study = getattr(module, "STUDY", None)
        if not isinstance(study, Study):
            raise InputError("it holds no study: it must set STUDY = Study(...)")
        adapter(Study).validate_python(study)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except Interrupted:
        raise
    except BaseException as error:  # not every exception that a file may raise is an Exception
        reason = describe_failure(error, find_folder(name))
        raise InputError(f"{name} is no valid study: {reason}") from error
    return dataclasses.replace(study, name=study_name(name), components=components)


def _check_exists(name: str) -> None:
    if not name.endswith(".py"):
        if name not in (names := study_names()):
            valid_names = ", ".join(names)
            raise InputError(f"study {name!r} not found: expected {valid_names}, or a file that ends in .py")
    elif not os.path.exists(name):  # Path.exists raises if a name is too long
        raise InputError(f"study file {name} not found")
    elif not os.path.isfile(name):
        raise InputError(f"{name} is no regular file: name a file that sets STUDY = Study(...)")


def describe_failure(error: BaseException, folder: str) -> str:
    """Describe an exception, and its place in the study file or in one beside it, or in the study."""
    if isinstance(error, ValidationError):
        return describe_invalid(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.dirname(frame.filename) == folder]
    places = [f"{os.path.basename(frame.filename)}, line {frame.lineno}: " for frame in frames]
    text = str(error)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        column = f", column {error.offset}" if error.offset else ""
        places, text = [f"{os.path.basename(error.filename)}, line {error.lineno}{column}: "], error.msg
    return f"{''.join(places[-1:])}{type(error).__name__}: {text}"


def describe_invalid(error: ValidationError, *parents: str) -> str:
    """Describe the first invalid value: its place below these parents, the value, and what is expected there."""
    details = error.errors(include_url=False)
    # of a Contrast or Exact, the invalid field says more than that it is not an instance of the other
    first, *further_errors = sorted(details, key=lambda detail: detail["type"].startswith("dataclass"))
    place, value = (*parents, *first["loc"]), first["input"]
    alternatives = [
        detail
        for detail in further_errors
        if (*parents, *detail["loc"][:-1]) == place[:-1] and detail["input"] is value
    ]
    parts = map(str, place[:-1] if alternatives else place)
    path = ".".join(part[:MAX_LETTERS] for part in parts if not part.startswith("function-"))  # pydantic's own
    if first["type"] == "value_error":  # raised by a declaration's own check
        return f"{path}: {first['ctx']['error']}".removeprefix(": ")
    example = repr(value) if isinstance(value, str) else f"{type(value).__name__}(...)"
    messages = [EXPECTED.get(detail["type"], detail["msg"]).format(example) for detail in (first, *alternatives)]
    expected = " or ".join(re.sub("^(Input should be|String should have) ", "", message) for message in messages)
    return f"{path} is {reprlib.repr(value)}: expected {expected}"
