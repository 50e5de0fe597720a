"""Decorators by which a study file declares components of its own, for use in that file's arms.

A component is known by its qualified name, which holds the digest of the code that defines it: changed code trains
again. torch is imported when a component is declared, not before. In a module that no study file imports, and outside
any run, a decorator changes nothing.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bench.components.layouts import Layout
from bench.components.networks import DeclaredNetwork
from bench.data.datasets import SIDE_PX
from bench.extensions.factors import read_factors
from bench.extensions.loading import declare
from bench.metrics.registry import Metric, Range
from bench.spec.errors import InputError
from bench.spec.fields import whole

Declared = TypeVar("Declared")
MAX_PX, MAX_DRAWS = 4096, 1000


def activation(
    name: str, *, gain: float = math.sqrt(2), kernel: Callable[..., None] | None = None
) -> Callable[[Declared], Declared]:
    """Declare a function of the `ModelConfig` that makes an activation module.

    Args:
        name: Level of the factor `activation`.
        gain: Factor of the initial weights before it; by default ReLU's (He et al. 2015, section 2.2).
        kernel: Its elementwise kernel, for timings; see `bench.components.activations.Activation`.
    """

    def make_level(build: Any) -> Any:
        from bench.components.activations import Activation

        return Activation(build, gain, kernel)

    return declare("activation", name, make_level)


def normalisation(name: str, *, place: str = "pre-activation") -> Callable[[Declared], Declared]:
    """Declare a function of the channels and the spatial dimensions (2 or 0) that makes a normalisation module.

    Args:
        name: Level of the factor `normalisation`.
        place: 'pre-activation', before every hidden activation, or 'lrn', where the layout has LRN.
    """
    if place not in ("pre-activation", "lrn"):
        raise InputError(f"normalisation {name!r}: place is {place!r}; it can be 'pre-activation' or 'lrn'")

    def make_level(build: Any) -> Any:
        from bench.components.normalisations import Normalisation

        return Normalisation(build, place)  # type: ignore[arg-type]

    return declare("normalisation", name, make_level)


def augmentation(name: str, *, normal_draws: int = 0) -> Callable[[Declared], Declared]:
    """Declare a function of a `bench.components.augmentations.Batch` that augments its images.

    Args:
        name: Level of the factor `augmentation`.
        normal_draws: Standard normal draws per image that follow the uniform ones in `Batch.draws`.
    """
    whole(f"augmentation {name!r}: normal_draws", normal_draws, 0, MAX_DRAWS)

    def make_level(apply: Any) -> Any:
        from bench.components.augmentations import Augmentation

        return Augmentation(apply, normal_draws)

    return declare("augmentation", name, make_level)


def optimizer(name: str) -> Callable[[Declared], Declared]:
    """Declare a function of parameters, learning rate (a tensor), weight decay and device that makes an optimiser."""
    return declare("optimiser", name)


def schedule(name: str) -> Callable[[Declared], Declared]:
    """Declare a function of an optimiser, a `TrainConfig` and an epoch's steps that makes a learning rate schedule."""
    return declare("schedule", name)


def loss(name: str) -> Callable[[Declared], Declared]:
    """Declare a function of logits (B, classes) and labels (B,) that returns the loss, a scalar tensor."""
    return declare("loss", name)


def layout(name: str) -> Callable[[Declared], Declared]:
    """Declare a function without parameters that returns a `Layout`: order and sizes of AlexNet's layers."""

    def make_level(make: Any) -> Layout:
        made = make()
        if not isinstance(made, Layout):
            raise InputError(f"layout {name!r}: its function returns {type(made).__name__}; it must return a Layout")
        return made

    return declare("layout", name, make_level, lambda made: {"size": made.size, "square_px": made.square_px})


def network(
    name: str, *, size: int, pad: int | None = None, square_px: int = 0, activations: Sequence[str] = ()
) -> Callable[[Declared], Declared]:
    """Declare a function or class that makes a network from `classes` and a level of each of its other parameters.

    The other parameters are the network's factors. Each has a default; `bool` or `Literal[...]` as annotation lists the
    levels that it can have. The network takes images (N, 3, size, size) in -1..1 and returns logits (N, classes).

    Args:
        name: Level of the factor `network`.
        size: Side of the input, pixels.
        pad: Pixels that training images are padded with before a random crop; by default 4, and 0 for photographs.
        square_px: Side of the square that photographs are cut to before a crop; 0 for small images.
        activations: Names of the modules whose outputs are hidden activations; by default all activation modules.
    """
    pad = pad if pad is not None else 0 if square_px else 4
    for field, pixels, least in (("size", size, 1), ("pad", pad, 0), ("square_px", square_px, 0)):
        whole(f"network {name!r}: {field}", pixels, least, MAX_PX)
    if isinstance(activations, str):
        raise InputError(f"network {name!r}: activations is {activations!r}; write a tuple: ({activations!r},)")
    if not 1 <= size <= (square_px or SIDE_PX + 2 * pad):
        kept = f"photographs are cut to {square_px}" if square_px else f"images are kept at {SIDE_PX} pixels"
        raise InputError(f"network {name!r}: size is {size}, and {kept}: set square_px for a network of photographs")

    def make_level(build: Any) -> DeclaredNetwork:
        factors = read_factors(build, f"network {name!r}")
        return DeclaredNetwork(build, factors, tuple(activations), size, pad, square_px)

    return declare(
        "network",
        name,
        make_level,
        lambda level: {"size": level.size, "square_px": level.square_px, "factors": level.factors},
    )


def metric(
    name: str, *, label: str = "", unit: str = "", factor: float = 1.0, shown_range: Range | None = None
) -> Callable[[Declared], Declared]:
    """Declare a function of a network in eval mode, images (N, 3, size, size) and labels (N,): a value per image, (N,).

    Its mean over all test images is recorded as `test/<name>` at the end of every trial of the study.

    Args:
        name: Name of the metric.
        label: Name shown in reports.
        unit: Unit of a shown value: '%', 'nats', 'ms', ... (`bench.metrics.registry.RANGES`).
        factor: Multiplies a stored value into a shown one.
        shown_range: Lowest and highest possible shown value; by default the range of the unit.
    """
    shown = Metric(label or f"test {name}", unit, factor, shown_range)
    return declare("metric", name, describe=lambda level: {"metric": shown})
