"""What a study is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ablations.framework.claim import Claim, Contrast, Exact, Published
from ablations.framework.profiles import Profile
from bench.spec.config import DataConfig, ModelConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Timing

# For study files
__all__ = ["Ask", "Claim", "Contrast", "Exact", "Printed", "Published", "Scale", "Setting", "Study", "Switch", "Tuning"]

AGAIN, SHUFFLED = "again", "shuffled labels"  # the controls that every study carries
CAFFENET = "the caffenet-benchmark (Mishkin et al. 2017): ImageNet at 128 pixels, one run an arm"
INTERIM_ANALYSES = (5, 10, 15)  # pairs at which a run that goes on until its claims are decided looks at them
AGAIN_SEED_OFFSET = 1000  # the A/A arm is the baseline under seeds that no other arm uses

Levels = Mapping[str, Any]


class Setting(NamedTuple):
    """What a run adds to a study: how much to spend, on what data, on which device.

    seeds: as many as the user asked for, whatever profile and study say.
    tuned_levels: what tuning found, by study and arm.
    extra_seeds: seeds of a (study, arm) beyond the study's, where a run goes on until its claims are decided; None
    where it does not.
    """

    profile: Profile
    data: DataConfig
    device: str = "cpu"
    precision: str = "float32"
    seeds: int | None = None
    tuned_levels: Mapping[str, Mapping[str, float]] = {}
    extra_seeds: Mapping[tuple[str, str], int] | None = None


class Ask(NamedTuple):
    """A question of `bench.probes.questions` to the final weights of all seeds of some arms, taken together.

    gives: the arms that the answer speaks of, where the question brings its own; else it speaks of the arm asked.
    """

    question: str
    arms: tuple[str, ...]
    gives: tuple[str, ...] = ()


class Scale(NamedTuple):
    """Arms along a number, for the report to draw.

    label: of the number. series: where each arm lies, by the name of its line: a number, or the metric whose mean it
    is, as shown. metrics: what is drawn against it. log: whether the number's axis is logarithmic; two laws are then
    fitted to test accuracy.
    """

    label: str
    series: Mapping[str, Mapping[str, float | str]]
    metrics: tuple[str, ...] = ("test/accuracy",)
    log: bool = False


class Printed(NamedTuple):
    """Test accuracies that somebody printed, by arm, as fractions: shown beside ours, they decide nothing."""

    source: str
    accuracies: Mapping[str, float]


class Switch(NamedTuple):
    """A factor of two levels."""

    on: Levels
    off: Levels


@dataclass(frozen=True)
class Tuning:
    """Arms whose level of one factor is chosen from a grid: by the final validation accuracy of trials whose seeds
    judge nothing.

    takes: of each such arm, whose best level it has: its own, or that of an arm it shares it with.
    ratio: where the best of any arm lies at the grid's edge, all arms' grid is extended there by this ratio; 0: never.
    """

    factor: str
    grid: tuple[float, ...]
    takes: Mapping[str, str]
    ratio: float = 2.0

    def __post_init__(self) -> None:
        if len(self.grid) < 3 or sorted(self.grid) != list(self.grid):
            raise InputError(f"a tuning's grid is {self.grid}: it must be at least 3 ascending levels")


@dataclass(frozen=True)
class Study:
    """One question: its arms (levels that differ from the baseline, which comes first), other jobs, claims.

    base: levels that every arm shares, on top of the house's baseline. seeds: where a profile's number is not right, by
    the profile's name. switches: of a factorial study, whose arms `designs` made of them. combinations: weighted sums
    of arms, seed by seed, which claims can name like arms.
    """

    question: str
    claims: tuple[Claim, ...]
    base: Levels = field(default_factory=dict)
    arms: Mapping[str, Levels] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    tuning: Tuning | None = None
    switches: Mapping[str, Switch] = field(default_factory=dict)
    combinations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    counts: Mapping[str, ModelConfig] = field(default_factory=dict)
    timings: Callable[[Setting], tuple[Timing, ...]] = lambda setting: ()
    probes: tuple[Ask, ...] = ()
    scale: Scale | None = None
    printed: Printed | None = None
    caveats: tuple[str, ...] = ()
    name: str = ""

    @property
    def baseline(self) -> str:
        return next(iter(self.arms), "")


def all_arms(study: Study) -> dict[str, Levels]:
    """The declared arms and the two controls: the baseline again, and the baseline on shuffled labels."""
    if not study.arms:
        return {}
    baseline = study.arms[study.baseline]
    return {**study.arms, AGAIN: baseline, SHUFFLED: {**baseline, "labels": "shuffled"}}


def all_claims(study: Study, data: DataConfig) -> tuple[Claim, ...]:
    """The declared claims and the controls' two."""
    if not study.arms:
        return study.claims
    chance = Contrast("test/accuracy", SHUFFLED, data.chance, margin=5, direction="equal")
    a_a = Contrast("test/accuracy", AGAIN, study.baseline, margin=0.5)
    return (
        *study.claims,
        Claim(f"{study.name}:a-a", "The baseline differs from itself under other seeds", (a_a,), primary=False),
        Claim(f"{study.name}:shuffled", "Shuffled labels bring test accuracy to chance", (chance,), primary=False),
    )


def seeds_per_arm(study: Study, setting: Setting) -> int:
    """How many pairs each arm of the study has, before any further ones."""
    return setting.seeds or study.seeds.get(setting.profile.name, setting.profile.seeds)


def requested_seeds(study: Study, arm: str, setting: Setting) -> int:
    """How many seeds the arm is asked for; of a combination of arms, how many all of them are."""
    arms = study.combinations.get(arm, (arm,))
    extra_seeds = setting.extra_seeds or {}
    return max(seeds_per_arm(study, setting), min(extra_seeds.get((study.name, arm), 0) for arm in arms))


def has_interim_analyses(study: Study, setting: Setting) -> bool:
    """Whether the study's claims may get further seeds. A factorial study has a fixed number of them."""
    goes_on = setting.extra_seeds is not None and seeds_per_arm(study, setting) < INTERIM_ANALYSES[-1]
    return goes_on and bool(study.arms) and not study.switches
