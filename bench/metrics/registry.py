"""What people need to know of a metric."""

from typing import NamedTuple


class Metric(NamedTuple):
    """How a metric is shown.

    Attributes:
        label: Its name for people.
        unit: Of a shown value.
        factor: Multiplies a stored value into a shown one.
    """

    label: str
    unit: str = ""
    factor: float = 1.0

    @property
    def difference(self) -> str:
        """The unit of a difference: 71 % against 70 % is one point."""
        return "points" if self.unit == "%" else self.unit


METRICS: dict[str, Metric] = {}  # by name, in which {layer} or another word in braces stands for a part of the name
