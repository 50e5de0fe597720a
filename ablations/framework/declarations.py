"""Declarations of studies as JSON values: a report is made from them without executing a study's file."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import with_config
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict  # pydantic rejects typing.TypedDict before Python 3.12

from ablations.framework.claim import Declaration
from ablations.framework.expand import TIMINGS
from ablations.framework.profiles import Setting
from ablations.framework.study import Study
from bench.extensions.component import register_metric
from bench.records.validation import adapter, describe_error
from bench.spec.errors import InputError
from bench.spec.jobs import Timing
from bench.system.text import printable

COMPUTED: Final = "timings"  # the field that is a function; a declaration holds what it gives for the run's setting


@with_config(Declaration.__pydantic_config__)
class _Computed(TypedDict):
    timings: tuple[Timing, ...]


def study_to_json(study: Study, setting: Setting) -> dict[str, Any]:
    """Return all fields of a study as JSON values; raise InputError if a value is no plain data."""
    fields = vars(study) | {COMPUTED: TIMINGS.validate_python(study.timings(setting))}
    try:
        declaration: dict[str, Any] = to_jsonable_python(fields, fallback=_to_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"study {study.name} cannot be stored: {error}") from error
    study_from_json(study.name, declaration)
    return declaration


def study_from_json(name: str, declaration: Mapping[str, Any]) -> Study:
    """Return the study that a declaration describes.

    Args:
        name: The study's name.
        declaration: What `study_to_json` returned; it may come from anywhere.

    Raises:
        InputError: A study file could not declare this.
    """
    computed = {field: value for field, value in declaration.items() if field == COMPUTED}
    declared = {field: value for field, value in declaration.items() if field != COMPUTED}
    try:
        study, timings = _validate(Study, declared), _validate(_Computed, computed)[COMPUTED]
    except (ValueError, RecursionError) as error:
        raise InputError(f"the declaration of study {name} is invalid: {describe_error(error)}") from error
    for component in study.components:
        register_metric(component)
    return dataclasses.replace(_with_tuples(study), name=printable(name), timings=lambda setting: timings)


def _validate(form: Any, fields: Mapping[str, Any]) -> Any:
    """Validate as JSON, since strict validation then takes lists for tuples and objects for dataclasses."""
    return adapter(form).validate_json(json.dumps(fields), strict=True, extra="forbid")


def describe_unread(names: Sequence[str]) -> str:
    """Say that studies are reported without executing their files; '' without studies."""
    if len(names) < 2:
        text = "study {} is reported as it was declared when the run was made; its file was not executed"
    else:
        text = "studies {} are reported as they were declared when the run was made; their files were not executed"
    return text.format(", ".join(names)) if names else ""


def _to_plain(value: Any) -> Any:
    """Return a mapping or sequence of a rarer class as a dictionary or list; raise TypeError for anything else."""
    return dict(value) if isinstance(value, Mapping) else list(value)


def _with_tuples(value: Any) -> Any:
    """Return a value with tuples in place of lists, which JSON has for both."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **{name: _with_tuples(item) for name, item in fields.items()})
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
