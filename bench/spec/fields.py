"""Checks of a configuration's fields."""

from __future__ import annotations

from bench.spec.errors import InputError


def one_of(name: str, value: str, levels: tuple[str, ...]) -> None:
    if value not in levels:
        raise InputError(f"{name} is {value!r}; it can be {', '.join(levels)}")


def within(name: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; it must be a number between {low:g} and {high:g}")


def whole(name: str, value: int, low: int, high: int) -> None:
    within(name, value, low, high)
    if not isinstance(value, int):
        raise InputError(f"{name} is {value!r}; it must be a whole number")
