"""Levels of a factor by name: a dictionary per factor, filled where each level is implemented."""

from collections.abc import Callable
from typing import Any, TypeVar

Component = TypeVar("Component")


def register(
    levels: dict[str, Any], name: str, kind: Callable[..., Any] | None = None, **attributes: Any
) -> Callable[[Component], Component]:
    """Return a decorator that adds the decorated function or class to the levels of a factor.

    Args:
        levels: The factor's levels, by name.
        name: The new level's name.
        kind: Class of the level, called with the decorated object and the attributes; None if the object is the level.
        **attributes: The level's other attributes.
    """

    def add(component: Component) -> Component:
        levels[name] = kind(component, **attributes) if kind else component
        return component

    return add
