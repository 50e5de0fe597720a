"""Labels, units and ranges of metrics."""

from collections.abc import Callable
from math import inf
from typing import Annotated, Any, NamedTuple

from pydantic import AllowInfNan

from bench.spec.qualified_names import plain_name

Bound = Annotated[float, AllowInfNan()]  # a stored declaration of a study may hold infinite ones
Range = tuple[Bound, Bound]  # lowest and highest shown value

ANY, NOT_NEGATIVE, POSITIVE, FRACTION = (-inf, inf), (0.0, inf), (1e-9, inf), (0.0, 1.0)
RANGES: dict[str, Range] = {  # by unit
    "%": (0.0, 100.0),
    "points": (-100.0, 100.0),
    "nats": (-1e-4, inf),  # the mean of rounded probabilities may exceed 1
    "ms": POSITIVE,
    "images/s": POSITIVE,
    "MB": POSITIVE,
    "steps": NOT_NEGATIVE,
    "parameters": NOT_NEGATIVE,
    "MACs": NOT_NEGATIVE,
}
ROUNDING = 1e-4  # accepted beyond both ends, as a share of the range: sums of float32 values err by less


class Metric(NamedTuple):
    """How a metric is shown, and which values are possible.

    Attributes:
        label: Name shown in reports.
        unit: Unit of a shown value.
        factor: Multiplies a stored value into a shown one.
        shown_range: Lowest and highest possible shown value; None for the range of the unit.
    """

    label: str
    unit: str = ""
    factor: float = 1.0
    shown_range: Range | None = None

    @property
    def difference(self) -> str:
        """The unit of a difference: 71 % against 70 % is one point."""
        return "points" if self.unit == "%" else self.unit

    @property
    def limits(self) -> Range:
        """Lowest and highest possible stored value."""
        low, high = self.shown_range or RANGES.get(self.unit, ANY)
        return low / self.factor, high / self.factor

    def is_possible(self, value: float) -> bool:
        """Whether a stored value lies in the metric's range, apart from rounding."""
        low, high = self.limits
        tolerance = ROUNDING * (high - low) if high - low < inf else 0.0
        return low - tolerance <= value <= high + tolerance


# Functions of a network, images and labels that return a value per image; study files declare them
IMAGE_METRICS: dict[str, Callable[[Any, Any, Any], Any]] = {}
METRICS: dict[str, Metric] = {}  # by name; a word in braces, such as {layer}, stands for a part of the name


def recorded_name(name: str) -> str:
    """Return the name in records of a metric that a study file declares, by its plain or qualified name."""
    return f"test/{plain_name(name)}"
