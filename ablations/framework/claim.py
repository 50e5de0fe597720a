"""Claims and the rules that decide them, as a study file declares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from bench.spec.errors import InputError

MAX_MARGIN = 1e15  # figures cannot draw far greater numbers


def _check_number(value: Any) -> Any:
    """Raise ValueError for what pydantic takes for a float, but no report.json can hold."""
    if not isinstance(value, int | float | str | None):
        raise ValueError(f"{value!r} is no int or float")
    return value


Name = Annotated[str, Field(max_length=200)]  # it is part of lines, tables and figures
Number = Annotated[float, BeforeValidator(_check_number)]


class Declaration:
    """Base of all values that a study file declares: pydantic checks them when the file is loaded, the types first.

    Texts have a maximal length, because pydantic refuses half a surrogate pair, which no file can store, only then.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {
        "strict": True,
        "revalidate_instances": "always",
        "str_max_length": 10_000,
        "allow_inf_nan": False,  # no report.json can hold them
    }


@dataclass(frozen=True)
class Contrast(Declaration):
    """A comparison of two arms, and the difference that matters.

    Arms are paired by seed, timings by round. Where the parts of a claim carry different regimes and the regimes
    disagree, the verdict is 'conditional'.

    Attributes:
        metric: Name of a recorded metric, such as 'test/accuracy'.
        arm: Name of an arm, of a combination of arms, or of a part of a probe's answer.
        reference: What the arm is compared with: such a name, or a constant in the metric's own unit.
        margin: The smallest difference that matters, in the unit that reports show: points for accuracies and shares,
            a factor above 1 with `ratio`.
        direction: 'higher' or 'lower': the claim is supported if the mean difference reaches the margin in this
            direction and p, after Holm's correction, is at most .05. 'equal': it is supported if the 90 % interval of
            the difference lies within the margin to either side.
        ratio: Whether the arm's value is divided by the reference's; otherwise the reference's is subtracted.
        regime: The condition under which the two are compared, such as a training budget.
    """

    metric: str
    arm: str
    reference: str | Number
    margin: Number
    direction: str = "higher"
    ratio: bool = False
    regime: Name = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.direction not in ("higher", "lower", "equal"):
            raise InputError(f"a contrast's direction is {self.direction!r}; it can be higher, lower, equal")
        if self.arm == self.reference:
            raise InputError(f"a contrast compares {self.arm!r} with itself: name another reference")
        if not (1 if self.ratio else 0) < self.margin <= MAX_MARGIN:
            raise InputError(
                f"a margin is {self.margin:g}: as a difference it must be above 0, as a ratio above 1, "
                f"and at most {MAX_MARGIN:g}"
            )
        return self


@dataclass(frozen=True)
class Exact(Declaration):
    """A bound on a number that is counted, not sampled. It holds if low <= value < high.

    Attributes:
        metric: Name of a counted metric, such as 'parameters/total'.
        arm: Name of one of the study's counts.
        low: Lower bound, included.
        high: Upper bound, excluded.
        reference: Name of the count whose metric the arm's is divided by; empty for the arm's metric itself.
        regime: The condition of this part, such as a layout.
    """

    metric: str
    arm: str
    low: Number
    high: Number
    reference: str = ""
    regime: Name = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise InputError(f"the bounds are {self.low:g} and {self.high:g}: the first must be below the second")
        return self


@dataclass(frozen=True)
class Published(Declaration):
    """A published result, shown beside the measured one. It decides nothing.

    Attributes:
        value: The result as published, such as '+3.6 points'.
        source: Paper and table.
        part: Index of the part of the claim that it stands beside.
    """

    value: str
    source: str
    part: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Claim(Declaration):
    """A sentence and its decision rule, fixed before the run: within each regime every part must hold.

    Attributes:
        id: A short name, unique among all studies.
        sentence: The claim in words, without a full stop.
        parts: The comparisons and bounds that decide it.
        published: Published results to show beside it.
        regimes: What the regimes of the parts differ in, such as 'the training budget'; empty for a single regime.
        primary: Whether it counts among the report's claims, over whose parts Holm's correction runs. Controls do not.
        caveat: What a reader must know to interpret the verdict.
    """

    id: Name
    sentence: Annotated[str, Field(max_length=1000)]
    parts: Sequence[Contrast | Exact]
    published: Sequence[Published] = ()
    regimes: Name = ""
    primary: bool = True
    caveat: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.parts or any(figure.part >= len(self.parts) for figure in self.published):
            raise InputError(
                f"claim {self.id}: it needs parts, and its published figures must name one of them by index"
            )
        return self
