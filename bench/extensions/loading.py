"""The study file that is being executed, the components that it declares, and their code for workers and records."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from bench.components.networks import NETWORKS
from bench.extensions.component import Component, check_name, find_qualified_names, register_metric
from bench.extensions.digest import define
from bench.extensions.study_code import StudyCode, execute
from bench.metrics.registry import IMAGE_METRICS
from bench.spec.config import ALEXNET
from bench.spec.errors import InputError
from bench.spec.jobs import Job

Declared = TypeVar("Declared")

CODES: dict[str, StudyCode] = {}  # the file of each component declared in this process, by its qualified name
SOURCES: dict[str, str] = {}  # the text that defines it
_loading: list[tuple[StudyCode, list[Component]]] = []  # study files being executed; the last one declares


@contextmanager
def declaring(code: StudyCode) -> Iterator[list[Component]]:
    """Provide the list of the components that a study file declares while it is executed inside the context."""
    components: list[Component] = []
    _loading.append((code, components))
    try:
        yield components
    finally:
        _loading.pop()


def find_codes(job: Job) -> tuple[StudyCode, ...]:
    """Return the study files that declare the components of a job, each once."""
    return tuple(dict.fromkeys(CODES[name] for name in find_qualified_names(job) if name in CODES))


def find_sources(job: Job) -> dict[str, str]:
    """Return the text that defines each component of a job, by its qualified name."""
    return {name: SOURCES[name] for name in find_qualified_names(job) if name in SOURCES}


def load_components(codes: Iterable[StudyCode]) -> None:
    """Execute study files for their components, unless this process did."""
    for code in codes:
        if code not in CODES.values():
            with declaring(code):
                execute(code)


def declare(
    kind: str,
    name: str,
    make_level: Callable[[Any], Any] = lambda component: component,
    describe: Callable[[Any], Mapping[str, Any]] = lambda level: {},
) -> Callable[[Declared], Declared]:
    """Return the decorator that declares a component of the study file that is being executed.

    Args:
        kind: The factor, 'network' or 'metric'.
        name: Its name in the study file.
        make_level: Function that makes the level of the factor from what is decorated.
        describe: Function that returns the level's other fields of `Component`.
    """
    check_name(kind, name)

    def add(component: Declared) -> Declared:
        if not _loading:
            if getattr(component, "__module__", "") == "__main__":
                advice = "write the study with it to a file and run that, in a notebook by %%writefile"
                raise InputError(f"{kind} {name!r}: a component is declared in a study file: {advice}")
            return component
        if not callable(component):
            raise InputError(f"{kind} {name!r} is {component!r}: it must be a function or a class")
        code, components = _loading[-1]
        levels = _find_levels(kind)
        if name in (*levels, ALEXNET * (kind == "network")) or any(
            (other.kind, other.name) == (kind, name) for other in components
        ):
            raise InputError(f"{kind} {name!r} exists already: choose another name")
        definition, level = define(code, _declaring_line(code)), make_level(component)
        declared = Component(kind, name, definition.digest, definition.source, **describe(level))
        levels[declared.qualified_name] = level
        CODES[declared.qualified_name], SOURCES[declared.qualified_name] = code, definition.source
        register_metric(declared)
        components.append(declared)
        return component

    return add


def _find_levels(kind: str) -> dict[str, Any]:
    """Return the dictionary of a factor's levels, of networks or of metrics."""
    from bench.components.levels import LEVELS

    return {**LEVELS, "network": NETWORKS, "metric": IMAGE_METRICS}[kind]  # type: ignore[return-value]


def _declaring_line(code: StudyCode) -> int:
    """Return the line that the study file is executing."""
    frame = sys._getframe()
    while frame.f_code.co_filename != code.file or frame.f_code.co_name != "<module>":
        assert frame.f_back is not None, "a component is declared while its study file is executed"
        frame = frame.f_back
    return frame.f_lineno
