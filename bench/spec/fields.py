"""Checks of the fields of a configuration."""

from collections.abc import Collection

from bench.spec.errors import InputError
from bench.spec.qualified_names import plain_name

MAX_NAMES = 100  # in a message


def one_of(name: str, value: str, levels: Collection[str]) -> None:
    """Raise InputError, which lists the levels, unless the value is one of them."""
    if not isinstance(value, str) or value not in levels:
        raise InputError(f"{name} is {value!r}; it can be {list_names(levels)}")


def list_names(names: Collection[str]) -> str:
    """List the first names, without the digests of qualified ones, and state how many follow."""
    plain_names = list(dict.fromkeys(map(plain_name, names)))
    first_names, count = plain_names[:MAX_NAMES], len(plain_names)
    return ", ".join(first_names) + f" and {count - MAX_NAMES:,} others" * (count > MAX_NAMES)


def level_names(config: object, *factors: str) -> None:
    """Raise InputError unless each of these factors has a name for its level."""
    for factor in factors:
        level = getattr(config, factor)
        if not isinstance(level, str) or not level.isprintable():
            raise InputError(f"{factor} is {level!r}; it must be the name of a level")


def layer_names(name: str, layers: tuple[str, ...]) -> None:
    """Raise InputError unless `layers` is a tuple of names."""
    if not isinstance(layers, tuple):
        example = (layers,) if isinstance(layers, str) else ("conv3",)
        raise InputError(f"{name} is {layers!r}: write the layers as a tuple, {example!r}")
    if unnamed := [layer for layer in layers if not isinstance(layer, str) or not layer.isprintable()]:
        raise InputError(f"{name} cannot leave out {unnamed[0]!r}: write the layers' names")


def factor_levels(name: str, factors: object) -> None:
    """Raise InputError unless `factors` is a tuple of pairs, each of a name and a level."""
    pairs = factors if isinstance(factors, tuple) else (factors,)
    for pair in pairs:
        is_pair = isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str)
        if pairs is not factors or not is_pair or not isinstance(pair[1], bool | int | float | str):
            raise InputError(f"{name} is {factors!r}: write pairs of a factor and its level, (('skip', True),)")


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise InputError unless the value is a number from low to high."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; it must be a number between {low:g} and {high:g}")


def whole(name: str, value: int, low: int, high: int) -> None:
    """Raise InputError unless the value is a whole number from low to high."""
    within(name, value, low, high)
    if not isinstance(value, int):
        raise InputError(f"{name} is {value!r}; it must be a whole number")
