"""The jobs that a study asks for at a setting."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from ablations.framework.claim import METRICS
from ablations.framework.study import (
    AGAIN,
    AGAIN_SEED_OFFSET,
    Levels,
    Setting,
    Study,
    all_arms,
    requested_seeds,
    seeds_per_arm,
)
from bench.components.layouts import LAYOUTS
from bench.data.datasets import SIDE
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Job, Probe, Trial


class PlacedJob(NamedTuple):
    """A job's place in a study. arm and seed are empty for jobs that name their own arms."""

    study: str
    arm: str
    seed: int | None
    job: Job


def expand_study(study: Study, setting: Setting) -> list[PlacedJob]:
    """Every job of the study at this setting, seed by seed, so that a run cut short has whole pairs. Arms whose level
    is not chosen yet have none."""
    arms = {arm: requested_seeds(study, arm, setting) for arm in all_arms(study) if _possible(study, arm, setting)}
    fixed = seeds_per_arm(study, setting)
    placed = [
        PlacedJob(study.name, arm, seed, make_trial(study, arm, setting, seed + AGAIN_SEED_OFFSET * (arm == AGAIN)))
        for seed in range(max(arms.values(), default=0))
        for arm, own in arms.items()
        if seed < own
    ]
    placed += [PlacedJob(study.name, arm, None, Count(model)) for arm, model in study.counts.items()]
    placed += [PlacedJob(study.name, "", None, timing) for timing in study.timings(setting)]
    for question, probed, _ in study.probes:
        own = [place for arm in probed for place in placed if place.arm == arm]
        trials = tuple(p.job for p in own if isinstance(p.job, Trial) and p.seed is not None and p.seed < fixed)
        placed += [PlacedJob(study.name, probed[0], None, Probe(question, trials))] if trials else []
    _check(study, setting)
    return placed


def _possible(study: Study, arm: str, setting: Setting) -> bool:
    """Whether the arm's level is known, where one is to be chosen, and its device is there."""
    tuned = study.tuning and _tuned_name(study, arm) in study.tuning.takes
    chosen = not tuned or _tuned_name(study, arm) in setting.tuned_levels.get(study.name, {})
    return chosen and all_arms(study)[arm].get("device", "cpu") in ("cpu", setting.device)


def _tuned_name(study: Study, arm: str) -> str:
    """Under what name an arm takes its tuned level: a control is the baseline."""
    return arm if arm in study.arms else study.baseline


def _check(study: Study, setting: Setting) -> None:
    """InputError where a claim names a metric that nothing records, or an arm is named that is not there."""
    timed = {arm for timing in study.timings(setting) for arm, _ in timing.arms}
    trained = set(all_arms(study))
    known = trained | timed | {*study.counts, *study.combinations, *(arm for ask in study.probes for arm in ask.gives)}
    for claim in study.claims:
        for part in claim.parts:
            if not METRICS.fullmatch(part.metric):
                raise InputError(
                    f"study {study.name}, claim {claim.id}: no metric is called {part.metric!r} (see README)"
                )
    parts = [part for claim in study.claims for part in claim.parts]
    named = {part.arm for part in parts} | {p.reference for p in parts if isinstance(p.reference, str) and p.reference}
    if odd := sorted(named - known):
        raise InputError(f"study {study.name}: a claim names {odd[0]!r}, but its arms are {', '.join(sorted(known))}")
    others = {arm for ask in study.probes for arm in ask.arms} | {arm for w in study.combinations.values() for arm in w}
    others |= {arm for arms in (study.scale.series.values() if study.scale else ()) for arm in arms}
    others |= {arm for pair in (study.tuning.takes.items() if study.tuning else ()) for arm in pair}
    if odd := sorted(others - trained):
        raise InputError(f"study {study.name}: there is no arm {odd[0]!r}; its arms are {', '.join(sorted(trained))}")


def make_trial(study: Study, arm: str, setting: Setting, seed: int, extra: Levels | None = None) -> Trial:
    """One training run of the arm; extra: levels that go before its own."""
    model, recipe, device = resolve_levels(study, arm, setting, extra or {})
    layout = LAYOUTS[model.layout]
    if setting.profile.photographs and not layout.kept:
        raise InputError(
            f"layout {model.layout} is for images of {layout.size} pixels; profile {setting.profile.name} is not"
        )
    if not setting.profile.photographs and layout.kept:
        raise InputError(f"layout {model.layout} needs images of {layout.size} pixels; they are kept at {SIDE}")
    precision = setting.precision if device == setting.device else "float32"
    return Trial(model, recipe, setting.data, seed, device, precision)


def resolve_levels(study: Study, arm: str, setting: Setting, extra: Levels) -> tuple[ModelConfig, TrainConfig, str]:
    """The arm's model, recipe and device: the profile's, then the study's base, the arm's own levels, its tuned one.

    Levels named 'share' and 'epochs' multiply the profile's; a learning rate is multiplied by the profile's `rate`. An
    unknown name is a InputError.
    """
    tuned = setting.tuned_levels.get(study.name, {}).get(_tuned_name(study, arm))
    found = {} if study.tuning is None or tuned is None else {study.tuning.factor: tuned}
    profile, data = setting.profile, setting.data
    chosen = {**profile.levels, **study.base, **all_arms(study)[arm], **found, **extra}
    device = chosen.pop("device", setting.device)
    layout = chosen.get("layout", "document")
    layout = chosen["layout"] = profile.layouts.get(layout, layout)
    model: dict[str, Any] = {"classes": data.classes, "width": profile.width(layout)}
    recipe: dict[str, Any] = {"epochs": profile.epochs(layout, data), "share": profile.share(data)}
    recipe["learning_rate"] = profile.rate * TrainConfig.learning_rate
    names = {
        f.name: target
        for kind, target in ((ModelConfig, model), (TrainConfig, recipe))
        for f in dataclasses.fields(kind)
    }
    for name, level in chosen.items():
        if name not in names:
            raise InputError(f"study {study.name}, arm {arm!r}: no factor {name!r}; there are {', '.join(names)}")
        if name == "epochs":
            level = max(1, round(recipe["epochs"] * level))
        elif name == "share":
            level = recipe["share"] * level
        elif name == "learning_rate":
            level = profile.rate * level
        names[name][name] = level
    try:
        return ModelConfig(**model), TrainConfig(**recipe), device
    except InputError as error:
        raise InputError(f"study {study.name}, arm {arm!r}: {error}") from error
