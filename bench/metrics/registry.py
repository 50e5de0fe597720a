"""Labels and units of metrics."""

from typing import NamedTuple


class Metric(NamedTuple):
    """How a metric is shown.

    Attributes:
        label: Name shown in reports.
        unit: Unit of a shown value.
        factor: Multiplies a stored value into a shown one.
    """

    label: str
    unit: str = ""
    factor: float = 1.0

    @property
    def difference(self) -> str:
        """The unit of a difference: 71 % against 70 % is one point."""
        return "points" if self.unit == "%" else self.unit


METRICS: dict[str, Metric] = {}  # by name; a word in braces, such as {layer}, stands for a part of the name
