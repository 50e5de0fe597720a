"""What a study is made of, and the jobs it asks for at a profile."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ablations.profiles import Profile
from bench.layouts import LAYOUTS
from bench.sources import SIDE
from bench.spec import BadInput, Count, Data, Job, Model, Probe, Recipe, Timing, Trial

AGAIN, SHUFFLED = "again", "shuffled labels"  # the controls that every study carries
AGAIN_SEEDS = 1000  # the A/A arm is the baseline under seeds that no other arm uses
METRICS = re.compile(
    r"(train|validation|test)/(accuracy|loss)|gap/accuracy|batch/loss|memory/peak_mb"
    r"|speed/(images_per_second|step_ms_p50|step_ms_p95|steps_to_train_error_25)"
    r"|sparsity/(zeros|hoyer|treves_rolls|dead)/\w+|(parameters|macs)/\w+|time/.+"
    r"|gradient/(norm_ratio/\w+|first_to_last/(start|epoch_1|epoch_5|end))"
)


@dataclass(frozen=True)
class Contrast:
    """An arm against a reference, paired by seed (or by round, for timings), and the margin that matters.

    metric: as recorded, e.g. 'test/accuracy'. reference: an arm's name, or a constant in the metric's own unit.
    margin: in the unit that reports show: points for accuracies and shares, a factor above 1 where ratio is set.
    direction: 'higher' or 'lower', as the claim has it, or 'equal' for equivalence within the margin.
    regime: where several are named and disagree, the verdict is conditional on `Claim.regimes`.
    """

    metric: str
    arm: str
    reference: str | float
    margin: float
    direction: str = "higher"
    ratio: bool = False
    regime: str = ""

    def __post_init__(self) -> None:
        if self.direction not in ("higher", "lower", "equal"):
            raise BadInput(f"a contrast's direction is {self.direction!r}; it can be higher, lower, equal")
        if not self.margin > (1 if self.ratio else 0):
            raise BadInput(f"a margin is {self.margin:g}: as a difference it must be above 0, as a ratio above 1")


@dataclass(frozen=True)
class Exact:
    """A number that is counted, not sampled: it holds when low <= value < high.

    The value is the arm's metric, divided by the reference arm's where one is named.
    """

    metric: str
    arm: str
    low: float
    high: float
    reference: str = ""
    regime: str = ""


@dataclass(frozen=True)
class Published:
    """A figure that somebody printed, to show beside ours: never decides. part: the index of ours in Claim.parts."""

    value: str
    source: str
    part: int = 0


@dataclass(frozen=True)
class Claim:
    """A sentence with its rule, fixed before the run: every part must hold, within each regime.

    primary: counts among the report's claims and in Holm's correction; controls do not.
    """

    id: str
    sentence: str
    parts: tuple[Contrast | Exact, ...]
    published: tuple[Published, ...] = ()
    regimes: str = ""
    primary: bool = True
    caveat: str = ""

    def __post_init__(self) -> None:
        if not self.parts or any(figure.part >= len(self.parts) for figure in self.published):
            raise BadInput(f"claim {self.id}: it needs parts, and its published figures must name one of them by index")


@dataclass(frozen=True)
class Study:
    """One question: its arms (levels that differ from the baseline, which comes first), other jobs, claims.

    base: levels that every arm shares, on top of the house's baseline.
    """

    question: str
    claims: tuple[Claim, ...]
    base: Mapping[str, Any] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    counts: Mapping[str, Model] = field(default_factory=dict)
    timings: Callable[[Setting], tuple[Timing, ...]] = lambda setting: ()
    probes: Mapping[str, str] = field(default_factory=dict)  # question -> the arm whose trials answer it
    caveats: tuple[str, ...] = ()
    name: str = ""

    @property
    def baseline(self) -> str:
        return next(iter(self.arms), "")


class Placed(NamedTuple):
    """A job's place in a study. arm and seed are empty for jobs that name their own arms."""

    study: str
    arm: str
    seed: int | None
    job: Job


class Setting(NamedTuple):
    """What a run adds to a study: how much to spend, on what data, on which device."""

    profile: Profile
    data: Data
    device: str = "cpu"
    precision: str = "float32"


def all_arms(study: Study) -> dict[str, Mapping[str, Any]]:
    """The declared arms and the two controls: the baseline again, and the baseline on shuffled labels."""
    if not study.arms:
        return {}
    baseline = study.arms[study.baseline]
    return {**study.arms, AGAIN: baseline, SHUFFLED: {**baseline, "labels": "shuffled"}}


def all_claims(study: Study, data: Data) -> tuple[Claim, ...]:
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


def jobs(study: Study, setting: Setting) -> list[Placed]:
    """Every job of the study at this setting, seed by seed, so that a run cut short has whole pairs."""
    arms = {arm: levels(study, arm, setting) for arm in all_arms(study)}
    placed = [
        Placed(study.name, arm, seed, trial(*arms[arm], setting, seed + AGAIN_SEEDS * (arm == AGAIN)))
        for seed in range(setting.profile.seeds)
        for arm in arms
    ]
    placed += [Placed(study.name, arm, None, Count(model)) for arm, model in study.counts.items()]
    timings = study.timings(setting)
    placed += [Placed(study.name, "", None, timing) for timing in timings]
    _check(study, {*arms, *study.counts, *(arm for timing in timings for arm, _ in timing.arms)})
    for question, arm in study.probes.items():
        trials = tuple(p.job for p in placed if p.arm == arm and isinstance(p.job, Trial))
        placed.append(Placed(study.name, arm, None, Probe(question, trials)))
    return placed


def _check(study: Study, known: set[str]) -> None:
    """BadInput where a claim names a metric that nothing records, or it or a probe an arm that the study has not."""
    for claim in study.claims:
        for part in claim.parts:
            if not METRICS.fullmatch(part.metric):
                raise BadInput(
                    f"study {study.name}, claim {claim.id}: no metric is called {part.metric!r} (see README)"
                )
    named = {part.arm for claim in study.claims for part in claim.parts} | set(study.probes.values())
    named |= {
        p.reference for claim in study.claims for p in claim.parts if isinstance(p.reference, str) and p.reference
    }
    if odd := sorted(named - known):
        raise BadInput(f"study {study.name}: a claim names {odd[0]!r}, but its arms are {', '.join(sorted(known))}")


def trial(model: Model, recipe: Recipe, setting: Setting, seed: int) -> Trial:
    layout = LAYOUTS[model.layout]
    if layout.size > SIDE + 2 * layout.pad:
        raise BadInput(f"layout {model.layout} needs images of {layout.size} pixels; they are kept at {SIDE}")
    return Trial(model, recipe, setting.data, seed, setting.device, setting.precision)


def levels(study: Study, arm: str, setting: Setting) -> tuple[Model, Recipe]:
    """The arm's model and recipe: the profile's, then the study's base, then the arm's own levels.

    Levels named 'share' and 'epochs' multiply the profile's. An unknown name is a BadInput.
    """
    chosen = {**study.base, **all_arms(study)[arm]}
    profile, data = setting.profile, setting.data
    layout = chosen.get("layout", "document")
    model: dict[str, Any] = {"classes": data.classes, "width": profile.width(layout)}
    recipe: dict[str, Any] = {"epochs": profile.epochs(layout, data), "share": profile.share(data)}
    names = {f.name: target for kind, target in ((Model, model), (Recipe, recipe)) for f in dataclasses.fields(kind)}
    for name, level in chosen.items():
        if name not in names:
            raise BadInput(f"study {study.name}, arm {arm!r}: no factor {name!r}; there are {', '.join(names)}")
        if name == "epochs":
            level = max(1, round(recipe["epochs"] * level))
        elif name == "share":
            level = recipe["share"] * level
        names[name][name] = level
    try:
        return Model(**model), Recipe(**recipe)
    except BadInput as error:
        raise BadInput(f"study {study.name}, arm {arm!r}: {error}") from error
