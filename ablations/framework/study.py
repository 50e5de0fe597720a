"""Studies, as a study file declares them, and the controls that the harness adds to each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ablations.framework.claim import Claim, Contrast, Declaration, Name, Number
from ablations.framework.profiles import PROFILES, Seeds, Setting
from bench.extensions.component import Component
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import one_of
from bench.spec.jobs import Timing

AGAIN, SHUFFLED = "again", "shuffled labels"  # arms that the harness adds as controls
ACCURACY, STEPS = "validation/accuracy", "speed/steps_to_train_error_25"  # metrics that a tuning optimises

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
    arms: Annotated[Sequence[str], Field(min_length=1)]
    gives: Sequence[Name] = ()


@dataclass(frozen=True)
class Scale(Declaration):
    """A figure of metrics along a number, such as accuracy against depth.

    Attributes:
        label: Axis label of the number.
        series: For each line, the position of each of its arms: a number, or the name of a metric whose mean it is.
        metrics: Names of the metrics on the vertical axes.
        log: Whether the number's axis is logarithmic. Then two scaling laws are fitted to the test accuracy.
    """

    label: Name
    series: Mapping[Name, Mapping[str, Number | str]]
    metrics: Sequence[str] = ("test/accuracy",)
    log: bool = False


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

    Its seeds judge no claim. The lowest learning rate within two standard errors of the best one wins, and of another
    factor the best level.

    Attributes:
        factor: Name of the factor, such as 'learning_rate'.
        grid: At least three levels, ascending.
        arms: Names of the tuned arms, each of which gets its own best level.
        ratio: Factor between an edge of the grid and a level added beyond it while an arm is best there; 0 adds none.
        metric: 'validation/accuracy', which is maximised, or 'speed/steps_to_train_error_25', which is minimised.
    """

    factor: str
    grid: Sequence[Number]
    arms: Annotated[Sequence[Name], Field(min_length=1)]
    ratio: Number = 2.0
    metric: str = ACCURACY

    @property
    def is_of_rate(self) -> bool:
        """Whether the factor is the learning rate."""
        return self.factor == "learning_rate"

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of("a tuning's metric", self.metric, (ACCURACY, STEPS))
        if len(self.grid) < 3 or sorted(self.grid) != list(self.grid):
            raise InputError(f"a tuning's grid is {self.grid}: it must be at least 3 ascending levels")
        if self.ratio and not self.ratio > 1:
            raise InputError(f"a tuning's ratio is {self.ratio}: it must be 0 or above 1")
        return self


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
        recipe: A recipe as a paper prints it, in place of the profile's; levels of base and arms are then absolute too.
        tuning: The search for the level of one factor.
        switches: The factors of a factorial study, from which `ablations.framework.designs` made the arms.
        combinations: Weighted sums of arms, taken seed by seed. Claims name them like arms.
        counts: Networks whose parameters and multiply-accumulates are counted.
        timings: A function from the setting to the timings.
        probes: Questions to the trained networks.
        scale: A figure of metrics along a number.
        caveats: What a reader must know to interpret the results.
        topic: Subject in a word. Reports answer each topic that has claims; without one, the study by its name.
        name: The name of the file, set when it is loaded.
        components: What the file declares besides its study, set when it is loaded.
    """

    question: str
    claims: Sequence[Claim]
    base: Levels = field(default_factory=dict)
    arms: Mapping[Name, Levels] = field(default_factory=dict)
    seeds: Mapping[str, Seeds] = field(default_factory=dict)
    recipe: TrainConfig | None = None
    tuning: Tuning | None = None
    switches: Mapping[Name, Switch] = field(default_factory=dict)
    combinations: Mapping[Name, Mapping[str, Number]] = field(default_factory=dict)
    counts: Mapping[Name, ModelConfig] = field(default_factory=dict)
    timings: Callable[[Setting], Sequence[Timing]] = lambda setting: ()
    probes: Sequence[Ask] = ()
    scale: Scale | None = None
    caveats: Sequence[str] = ()
    topic: Annotated[str, Field(max_length=30)] = ""
    name: str = ""
    components: Sequence[Component] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if controls := [arm for arm in (AGAIN, SHUFFLED) if arm in self.arms]:
            raise InputError(f"arm {controls[0]!r} has the name of a control, which every study has: rename it")
        for profile in self.seeds:
            one_of("a profile of the seeds", profile, PROFILES)
        return self

    @property
    def baseline(self) -> str:
        """Name of the first arm, or '' of a study without arms."""
        return next(iter(self.arms), "")


def all_arms(study: Study) -> dict[str, Levels]:
    """Return the arms and the controls: if accuracies are compared both, else those that a probe examines."""
    probed_arms = {arm for ask in study.probes for arm in ask.arms}
    controls = [arm for arm in (AGAIN, SHUFFLED) if _compares_accuracy(study) or arm in probed_arms]
    return {arm: arm_levels(study, arm) for arm in (*study.arms, *controls)}


def arm_levels(study: Study, arm: str) -> Levels:
    """Return the levels of a declared arm or a control; all arms of a study may be too many to copy for each."""
    levels = study.arms[study.baseline if arm in (AGAIN, SHUFFLED) else arm]
    return {**levels, "labels": "shuffled"} if arm == SHUFFLED else levels


def all_claims(study: Study, data: DataConfig) -> list[Claim]:
    """Return the declared claims and those of the controls."""
    claims, chance = list(study.claims), Contrast("test/accuracy", SHUFFLED, data.chance, margin=5, direction="equal")
    if _compares_accuracy(study):
        a_a = Contrast("test/accuracy", AGAIN, study.baseline, margin=0.5)
        sentence = "The baseline differs from itself under other seeds"
        claims.append(Claim(f"{study.name}:a-a", sentence, (a_a,), kind="control"))
        sentence = "Shuffled labels bring test accuracy to chance"
        claims.append(Claim(f"{study.name}:shuffled", sentence, (chance,), kind="control"))
    return claims


def _compares_accuracy(study: Study) -> bool:
    metrics = [part.metric for claim in study.claims for part in claim.parts]
    return bool(study.arms) and any(metric.startswith(("test/", "validation/", "gap/")) for metric in metrics)


def compared_arms(study: Study) -> set[str]:
    """Return the arms that the study's own claims compare, directly or in a combination."""
    names = {name for claim in study.claims for part in claim.parts for name in (part.arm, part.reference)}
    combined = {arm for name, weights in study.combinations.items() if name in names for arm in weights}
    return {arm for arm in study.arms if arm in names | combined}
