"""Networks that study files declare, and the images that a network takes. AlexNet's are those of its layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.components.layouts import LAYOUTS, Layout
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.fields import list_names

Level = bool | int | float | str
MAX_NUMBER = 1e15  # far below the greatest whole number that JSON and MLflow keep


@dataclass(frozen=True)
class Factor:
    """A factor that a network declares.

    Attributes:
        default: Its level where an arm names none.
        levels: All levels that it can have; empty for any number, or text, like the default.
    """

    default: Level
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class DeclaredNetwork:
    """A network that a study file declares.

    Attributes:
        build: Function that makes the `nn.Module` from `classes` and a level for each factor.
        factors: Its factors, by name.
        activations: Names of the modules whose outputs are hidden activations; empty for all activation modules.
        size: Side of the input, pixels.
        pad: Pixels that training images are padded with on each side before a crop.
        square_px: Side of the square that photographs are cut to before a crop; 0 for a network of small images.
    """

    build: Callable[..., Any]
    factors: Mapping[str, Factor] = field(default_factory=dict)
    activations: tuple[str, ...] = ()
    size: int = 32
    pad: int = 4
    square_px: int = 0


NETWORKS: dict[str, DeclaredNetwork] = {}  # by qualified name


def input_shape(model: ModelConfig) -> Layout | DeclaredNetwork:
    """Return what holds `size`, `pad` and `square_px` of a network's images: its layout or its declaration."""
    return NETWORKS[model.network] if model.is_declared else LAYOUTS[model.layout]


def check_factors(factors: Mapping[str, Factor], levels: Mapping[str, Any]) -> dict[str, Level]:
    """Return the level of every factor of a declared network, whole numbers as floats where the default is one.

    Args:
        factors: The declared factors.
        levels: Levels that replace defaults.

    Raises:
        InputError: A factor is not declared, or a level is none of the declared ones.
    """
    if unknown := [name for name in levels if name not in factors]:
        valid = list_names(factors) or "none, since the network declares no factor"
        raise InputError(f"the network declares no factor {unknown[0]!r}; it can be {valid}")
    return {name: check_level(name, factor, levels.get(name, factor.default)) for name, factor in factors.items()}


def check_level(name: str, factor: Factor, level: Any) -> Level:
    """Return a level of a factor, a whole number as a float where the default is one; raise InputError otherwise."""
    if isinstance(factor.default, float) and type(level) is int:
        level = float(level)
    if factor.levels:
        if not any(type(level) is type(valid) and level == valid for valid in factor.levels):
            raise InputError(f"{name} is {level!r}; it can be {', '.join(map(repr, factor.levels))}")
    elif type(level) is not type(factor.default):
        raise InputError(f"{name} is {level!r}; it must be {type(factor.default).__name__} like {factor.default!r}")
    if not isinstance(level, str) and not abs(level) <= MAX_NUMBER:
        raise InputError(f"{name} is {level!r}; it must be a number between {-MAX_NUMBER:g} and {MAX_NUMBER:g}")
    checked: Level = level
    return checked
