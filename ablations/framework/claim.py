"""Claims and the rules that decide them, as a study file declares them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, WrapValidator, model_validator

from bench.spec.errors import InputError
from bench.spec.fields import one_of

MAX_MARGIN = 1e15  # figures cannot draw far greater numbers
KINDS = ("claim", "literature", "control")


def _check_number(value: Any, check: Callable[[Any], float]) -> Any:
    """Return the number as it is, an int as an int; raise ValueError for a float that no report.json can hold."""
    if not isinstance(value, int | float | str | None):
        raise ValueError(f"{value!r} is no int or float")
    check(value)
    return value


Name = Annotated[str, Field(max_length=200)]  # it is part of lines, tables and figures
Number = Annotated[float, WrapValidator(_check_number)]


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

    Arms are paired by seed, timings by round.

    Attributes:
        metric: Name of a recorded metric, such as 'test/accuracy'.
        arm: Name of an arm, of a combination of arms, or of a part of a probe's answer.
        reference: What the arm is compared with: such a name, or a constant in the metric's own unit.
        margin: The smallest difference that matters, in the unit that reports show: points for accuracies and shares,
            a factor above 1 with `ratio`.
        direction: 'higher' or 'lower': the part is supported if the difference reaches the margin in this direction and
            zero is ruled out. 'equal': it is supported if the 90 % interval of the difference lies within the margin to
            either side.
        ratio: Whether the arm's value is divided by the reference's; otherwise the reference's is subtracted.
    """

    metric: str
    arm: str
    reference: str | Number
    margin: Number
    direction: str = "higher"
    ratio: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of("a contrast's direction", self.direction, ("higher", "lower", "equal"))
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
    """

    metric: str
    arm: str
    low: Number
    high: Number
    reference: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise InputError(f"the bounds are {self.low:g} and {self.high:g}: the first must be below the second")
        return self


Part = Contrast | Exact


@dataclass(frozen=True)
class Requires(Declaration):
    """A precondition: where an arm's mean must lie for the claim's question to make sense, on the same trials.

    Where it is not met, the claim's verdict is 'not testable here'.

    Attributes:
        metric: Name of a recorded metric.
        arm: Name of the arm.
        at_least, at_most: Bounds of the mean over the seeds, included, in the unit that reports show; at least one.
        advice: What would help where it is not met, such as 'more epochs'.
    """

    metric: str
    arm: str
    at_least: Number | None = None
    at_most: Number | None = None
    advice: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not bounds or bounds != sorted(bounds):
            raise InputError(f"a precondition on {self.metric} needs at_least, at_most or both, the first not above")
        return self

    def is_met_by(self, value: float) -> bool:
        """Return whether a mean, in the unit that reports show, lies within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True)
class Published(Declaration):
    """A published result, shown beside the measured one. It decides nothing.

    Attributes:
        value: The result as published, such as '+3.6 points'.
        source: Paper and table.
    """

    value: str
    source: str


@dataclass(frozen=True)
class Claim(Declaration):
    """A sentence and its decision rule, fixed before the run.

    The verdict is that of the stated setting alone: all stated parts must hold. Robustness checks have verdicts of
    their own, and sink nothing.

    Attributes:
        id: A short name, unique among all studies.
        sentence: The claim in words, without a full stop.
        stated: The comparisons and bounds that decide it, in the setting in which the claim was made.
        setting: That setting in a phrase: network, data and recipe.
        requires: Preconditions.
        beyond: Robustness checks: comparisons in other settings, by the name of the setting.
        published: Published results to show beside what the stated comparisons measured.
        kind: 'claim'; 'literature' for what was published about the claim's subject but not claimed itself; 'control'.
        caveat: What a reader must know to interpret the verdict.
    """

    id: Name
    sentence: Annotated[str, Field(max_length=1000)]
    stated: Sequence[Part]
    setting: Annotated[str, Field(max_length=200)] = ""
    requires: Sequence[Requires] = ()
    beyond: Mapping[Name, Part] = field(default_factory=dict)
    published: Sequence[Published] = ()
    kind: str = "claim"
    caveat: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(f"claim {self.id}: kind", self.kind, KINDS)
        if not self.stated:
            raise InputError(f"claim {self.id}: it needs stated parts")
        return self

    @property
    def parts(self) -> list[Part]:
        """The stated parts, and then those of the robustness checks."""
        return [*self.stated, *self.beyond.values()]


def compared_names(part: Part | Requires) -> list[str]:
    """Return the names that a part or a precondition compares: its arm, and the reference unless it is a constant."""
    reference = getattr(part, "reference", "")
    return [part.arm, reference] if isinstance(reference, str) and reference else [part.arm]
