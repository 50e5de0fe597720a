"""The factors that a network declares by the parameters of the function that makes it."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from bench.components.networks import Factor, check_level
from bench.spec.errors import InputError

CLASSES = "classes"  # the parameter that every network has


def read_factors(build: Callable[..., Any], subject: str) -> dict[str, Factor]:
    """Return the factors of a network, by name, from the function or class that makes it.

    Args:
        build: The function or class.
        subject: What it is, for messages.

    Raises:
        InputError: There is no parameter `classes`, or another one is no factor.
    """
    try:
        parameters = dict(inspect.signature(build, eval_str=True).parameters)
    except Exception as error:  # evaluating an annotation may raise any error
        raise InputError(f"{subject}: its parameters cannot be read ({type(error).__name__}: {error})") from error
    if parameters.pop(CLASSES, None) is None:
        problem = "it needs a parameter `classes`, the number of outputs"
        raise InputError(f"{subject}: {problem}: wrap it in a function that has one")
    return {name: _read_factor(parameter, f"{subject}, factor {name!r}") for name, parameter in parameters.items()}


def _read_factor(parameter: inspect.Parameter, subject: str) -> Factor:
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise InputError(f"{subject}: write each factor as a parameter of its own, with a default")
    default, annotation = parameter.default, parameter.annotation
    if not isinstance(default, bool | int | float | str):
        shown = "missing" if default is inspect.Parameter.empty else repr(default)
        raise InputError(f"{subject}: its default is {shown}; it must be True, False, a number or text")
    levels = get_args(annotation) if get_origin(annotation) is Literal else (False, True) * isinstance(default, bool)
    factor = Factor(default, tuple(levels))
    try:
        check_level("its default", factor, default)
    except InputError as error:
        raise InputError(f"{subject}: {error}") from error
    return factor
