"""Levels of a factor by name: a dictionary per factor, filled where each level is implemented."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.spec.errors import InputError

Component = TypeVar("Component")


def register(levels: dict[str, Component], name: str) -> Callable[[Component], Component]:
    """Return a decorator that adds the decorated component to `levels` under `name`."""

    def add(component: Component) -> Component:
        levels[name] = component
        return component

    return add


def lookup(factor: str, levels: Mapping[str, Component], name: str) -> Component:
    """Return the level called `name`.

    Raises:
        InputError: Nothing is registered under that name; the message lists the valid ones.
    """
    if name not in levels:
        raise InputError(f"{factor} is {name!r}; it can be {', '.join(levels)}")
    return levels[name]
