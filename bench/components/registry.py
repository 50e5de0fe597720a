"""Levels of a factor by name: a dictionary per factor, filled where each level is implemented."""

from collections.abc import Callable
from typing import Any, TypeVar

Component = TypeVar("Component")


def register(
    levels: dict[str, Any], name: str, kind: Callable[..., Any] | None = None, **attributes: Any
) -> Callable[[Component], Component]:
    """Return a decorator that adds what it decorates to the levels of a factor.

    Args:
        levels: The factor's levels, by name.
        name: The new level's name.
        kind: Makes the level from what is decorated and the attributes; without it, that is the level itself.
        **attributes: The level's other attributes.
    """

    def add(component: Component) -> Component:
        levels[name] = kind(component, **attributes) if kind else component
        return component

    return add
