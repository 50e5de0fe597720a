"""Studies, as a study file declares them, and the controls that the harness adds to each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablations.framework.claim import Claim, Contrast, Declaration
from ablations.framework.setting import Setting
from bench.spec.config import DataConfig, ModelConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Timing

AGAIN, SHUFFLED = "again", "shuffled labels"  # the controls of every study with arms
CAFFENET = "the caffenet-benchmark (Mishkin et al. 2017): ImageNet at 128 pixels, one run an arm"

Levels = Mapping[str, Any]


@dataclass(frozen=True)
class Ask(Declaration):
    """A probe of `bench.probes` that examines the final weights of some arms, over all seeds.

    Attributes:
        question: Name of the question, such as 'activity'.
        arms: Names of the arms whose trained networks it examines.
        gives: Names under which the answer reports its metrics; empty if it reports on the arm itself.
    """

    question: str
    arms: Sequence[str]
    gives: Sequence[str] = ()


@dataclass(frozen=True)
class Scale(Declaration):
    """A figure of metrics along a number, such as accuracy against depth.

    Attributes:
        label: Axis label of the number.
        series: For each line, the position of each of its arms: a number, or the name of a metric whose mean it is.
        metrics: Names of the metrics on the vertical axes.
        log: Whether the number's axis is logarithmic. Then two scaling laws are fitted to the test accuracy.
    """

    label: str
    series: Mapping[str, Mapping[str, float | str]]
    metrics: Sequence[str] = ("test/accuracy",)
    log: bool = False


@dataclass(frozen=True)
class Printed(Declaration):
    """Published test accuracies of a study's arms, shown beside the measured ones. They decide nothing.

    Attributes:
        source: Where they were published.
        accuracies: Test accuracy by arm, as a fraction.
    """

    source: str
    accuracies: Mapping[str, float]


@dataclass(frozen=True)
class Switch(Declaration):
    """A factor with two settings.

    Attributes:
        on: Levels with the factor switched on.
        off: Levels with the factor switched off.
    """

    on: Levels
    off: Levels


@dataclass(frozen=True)
class Tuning(Declaration):
    """A grid search for one factor's level in some arms, before anything is judged.

    It maximises the final validation accuracy, under seeds that no claim uses.

    Attributes:
        factor: Name of the factor, such as 'learning_rate'.
        grid: At least three levels, ascending.
        takes: For each tuned arm, the arm whose best level it takes: itself, or one with which it shares the level.
        ratio: Factor between the edge of the grid and a level added beyond it, for all arms, if some arm is best at
            that edge. 0 never extends the grid.
    """

    factor: str
    grid: Sequence[float]
    takes: Mapping[str, str]
    ratio: float = 2.0

    def __post_init__(self) -> None:
        if len(self.grid) < 3 or sorted(self.grid) != list(self.grid):
            raise InputError(f"a tuning's grid is {self.grid}: it must be at least 3 ascending levels")


@dataclass(frozen=True)
class Study(Declaration):
    """One question: arms to train, other jobs, and claims about their results.

    Attributes:
        question: The question, with its question mark.
        claims: The claims that answer it.
        base: Levels that all arms share, in place of the defaults.
        arms: For each arm, the levels in which it differs from the base. The first arm is the baseline. 'share' and
            'epochs' multiply the profile's, all other levels are fields of `ModelConfig` and `TrainConfig`.
        seeds: Number of seeds per arm by profile name, where the profile's own number does not suit.
        tuning: The search for the level of one factor.
        switches: The factors of a factorial study, from which `ablations.framework.designs` made the arms.
        combinations: Weighted sums of arms, taken seed by seed. Claims name them like arms.
        counts: Networks whose parameters and multiply-accumulates are counted.
        timings: A function from the setting to the timings.
        probes: Questions to the trained networks.
        scale: A figure of metrics along a number.
        printed: Published test accuracies of the arms.
        caveats: What a reader must know to interpret the results.
        name: The name of the file, set when it is loaded.
    """

    question: str
    claims: Sequence[Claim]
    base: Levels = field(default_factory=dict)
    arms: Mapping[str, Levels] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    tuning: Tuning | None = None
    switches: Mapping[str, Switch] = field(default_factory=dict)
    combinations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    counts: Mapping[str, ModelConfig] = field(default_factory=dict)
    timings: Callable[[Setting], Sequence[Timing]] = lambda setting: ()
    probes: Sequence[Ask] = ()
    scale: Scale | None = None
    printed: Printed | None = None
    caveats: Sequence[str] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if controls := [arm for arm in (AGAIN, SHUFFLED) if arm in self.arms]:
            raise InputError(f"arm {controls[0]!r} has the name of a control, which every study has: rename it")

    @property
    def baseline(self) -> str:
        """Name of the first arm, or '' of a study without arms."""
        return next(iter(self.arms), "")


def all_arms(study: Study) -> dict[str, Levels]:
    """Return the declared arms and both controls: the baseline again, and the baseline with shuffled labels."""
    if not study.arms:
        return {}
    baseline = study.arms[study.baseline]
    return {**study.arms, AGAIN: baseline, SHUFFLED: {**baseline, "labels": "shuffled"}}


def all_claims(study: Study, data: DataConfig) -> tuple[Claim, ...]:
    """Return the declared claims and those of the two controls."""
    if not study.arms:
        return tuple(study.claims)
    chance = Contrast("test/accuracy", SHUFFLED, data.chance, margin=5, direction="equal")
    a_a = Contrast("test/accuracy", AGAIN, study.baseline, margin=0.5)
    return (
        *study.claims,
        Claim(f"{study.name}:a-a", "The baseline differs from itself under other seeds", (a_a,), primary=False),
        Claim(f"{study.name}:shuffled", "Shuffled labels bring test accuracy to chance", (chance,), primary=False),
    )
