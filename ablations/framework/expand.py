"""Expands a study into its jobs."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Annotated, Any

from pydantic import Strict, TypeAdapter

from ablations.framework.claim import Contrast, Declaration, compared_names
from ablations.framework.profiles import AGAIN_SEED_OFFSET, Setting
from ablations.framework.seeds import TIMED
from ablations.framework.study import AGAIN, Levels, Study, all_arms, arm_levels
from ablations.framework.waves import PlacedJob, StudyWaves
from bench.components.layouts import LAYOUTS
from bench.data.datasets import SIDE_PX
from bench.metrics.table import METRICS, find_metric
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import list_names, one_of, within
from bench.spec.jobs import Count, Probe, Timing, Trial

MODEL_FACTORS, RECIPE_FACTORS = (
    [field.name for field in dataclasses.fields(config)] for config in (ModelConfig, TrainConfig)
)
FACTORS = [*MODEL_FACTORS, *RECIPE_FACTORS]
TIMINGS = TypeAdapter(
    Annotated[tuple[Timing, ...], Strict(False)],  # a study may yield them
    config=Declaration.__pydantic_config__,
)
MAX_MULTIPLE = 1e6  # of the profile's epochs, share or learning rate


def expand_study(study: Study, setting: Setting) -> list[PlacedJob]:
    """Return the study's jobs, ordered by seed, so that an interrupted run has whole pairs.

    An arm whose level is not tuned yet has no jobs.

    Raises:
        InputError: A level is invalid, or a name of an arm, a factor or a metric is not found.
    """
    timings: tuple[Timing, ...] = TIMINGS.validate_python(study.timings(setting))
    _check_names(study, {arm for timing in timings for arm, _ in timing.arms})
    waves = StudyWaves(study, setting)
    arms = [arm for arm in all_arms(study) if _is_ready(study, arm, setting)]
    first_trials = {arm: make_trial(study, arm, setting, seed=0) for arm in arms}
    _check_contrasts(study, first_trials)
    trials = {
        (arm, seed): dataclasses.replace(first_trials[arm], seed=seed + AGAIN_SEED_OFFSET * (arm == AGAIN))
        for seed in range(max(map(waves.seeds, arms), default=0))
        for arm in arms
        if seed < waves.seeds(arm)
    }
    placed = [
        PlacedJob(study.name, arm, seed, trial, waves.of_trial(arm, seed)) for (arm, seed), trial in trials.items()
    ]
    placed += [PlacedJob(study.name, arm, None, Count(model), waves.first) for arm, model in study.counts.items()]
    placed += [PlacedJob(study.name, "", None, timing) for timing in timings]
    for ask in study.probes:
        wanted = [(arm, seed) for arm in ask.arms for seed in range(waves.fixed_seeds)]
        if probed := tuple(trials[key] for key in wanted if key in trials):
            placed.append(PlacedJob(study.name, ask.arms[0], None, Probe(ask.question, probed), waves.of_probe(ask)))
    return placed


def _is_ready(study: Study, arm: str, setting: Setting) -> bool:
    """Whether tuning has chosen the arm's level, if it is tuned, and the machine has the arm's device."""
    source = _tuned_name(study, arm)
    is_tuned = study.tuning is not None and source in study.tuning.arms
    has_level = not is_tuned or source in setting.tuned_levels.get(study.name, {})
    device = arm_levels(study, arm).get("device", "cpu")
    one_of(f"study {study.name}, arm {arm!r}: device", device, ("cpu", "cuda"))
    return has_level and device in ("cpu", setting.device)


def _tuned_name(study: Study, arm: str) -> str:
    """Name of the arm whose tuned level this arm takes; the baseline's for a control."""
    return arm if arm in study.arms else study.baseline


def _check_names(study: Study, timed: set[str]) -> None:
    """Raise InputError if a claim's metric or an arm is not found."""
    trained = set(all_arms(study))
    answered = {name for ask in study.probes for name in ask.gives}
    measured = trained | timed | answered | {*study.counts, *study.combinations}
    for claim in study.claims:
        unknown_metrics = [p.metric for p in (*claim.parts, *claim.requires) if find_metric(p.metric) is None]
        _check_known(f"study {study.name}, claim {claim.id}: metric", unknown_metrics, METRICS)
        required_arms = [requires.arm for requires in claim.requires]
        _check_known(f"study {study.name}, claim {claim.id}: a precondition's arm", required_arms, sorted(measured))
    named = [name for claim in study.claims for part in claim.parts for name in compared_names(part)]
    _check_known(f"study {study.name}: a claim's arm", named, sorted(measured))
    groups = [*(ask.arms for ask in study.probes), *study.combinations.values()]
    groups += [*study.scale.series.values()] if study.scale else []
    groups += [study.tuning.arms] if study.tuning else []
    _check_known(f"study {study.name}: arm", chain.from_iterable(groups), sorted(trained))


def _check_known(subject: str, names: Iterable[str], valid: Collection[str]) -> None:
    valid_names = set(valid)
    if unknown := [name for name in names if name not in valid_names]:
        raise InputError(f"{subject} {unknown[0]!r} is unknown; it can be {list_names(valid)}")


def _check_contrasts(study: Study, trials: Mapping[str, Trial]) -> None:
    """Raise InputError if a claim compares two arms of one network and recipe, which no number of seeds can decide.

    Two tunings may choose the same level, and a brief profile may round epochs or replace a layout: such arms differ.
    """

    def describe(arm: str) -> tuple[Any, ...]:
        levels = {"epochs": 1, "layout": ModelConfig.layout, **study.base, **study.arms[arm]}
        tuned_name = arm if study.tuning and arm in study.tuning.arms else ""
        return tuned_name, levels["epochs"], levels["layout"], trials[arm]

    for claim_id, part in [(claim.id, part) for claim in study.claims for part in claim.parts]:
        arms = [name for name in (part.arm, part.reference) if name in study.arms and name in trials]
        is_sampled = isinstance(part, Contrast) and not part.metric.startswith(TIMED)  # timings name their own arms
        if is_sampled and len(arms) == 2 and len({*map(describe, map(str, arms))}) == 1:
            problem = f"{arms[0]!r} and {arms[1]!r} are one and the same network and recipe"
            raise InputError(f"study {study.name}, claim {claim_id}: {problem}: change a level of one of them")


def make_trial(study: Study, arm: str, setting: Setting, seed: int, overrides: Levels | None = None) -> Trial:
    """Return one training run of an arm.

    Args:
        study: The study.
        arm: Name of the arm.
        setting: The run's setting.
        seed: The trial's seed.
        overrides: Levels that replace the arm's own.

    Raises:
        InputError: A level is invalid, or the layout is for images of another size.
    """
    model, recipe, device = resolve_levels(study, arm, setting, overrides or {})
    layout = LAYOUTS[model.layout]
    if setting.profile.photographs and study.recipe:
        raise InputError(
            f"study {study.name} prints a recipe for images of {SIDE_PX} pixels; profile {setting.profile.name} is not"
        )
    if setting.profile.photographs and not layout.square_px:
        raise InputError(
            f"layout {model.layout} is for images of {layout.size} pixels; profile {setting.profile.name} is not"
        )
    if not setting.profile.photographs and layout.square_px:
        raise InputError(f"layout {model.layout} needs images of {layout.size} pixels; they are kept at {SIDE_PX}")
    precision = setting.precision if device == setting.device else "float32"
    return Trial(model, recipe, setting.data, seed, device, precision)


def resolve_levels(study: Study, arm: str, setting: Setting, overrides: Levels) -> tuple[ModelConfig, TrainConfig, str]:
    """Return an arm's model, recipe and device.

    Later sources override earlier ones: the profile, the study's base, the arm, its tuned level, the overrides. 'share'
    and 'epochs' multiply the profile's, a share up to all images; the profile's `rate` multiplies a learning rate. In a
    study with a printed recipe epochs and rates are absolute (for a test the profile shortens the epochs).

    Raises:
        InputError: A factor is not found or a level is invalid.
    """
    profile, data, printed = setting.profile, setting.data, study.recipe
    levels = {
        **({} if printed else profile.levels),
        **study.base,
        **arm_levels(study, arm),
        **_tuned_level(study, arm, setting),
        **overrides,
    }
    device = levels.pop("device", setting.device)
    layout = levels.get("layout", ModelConfig.layout)
    one_of(f"study {study.name}, arm {arm!r}: layout", layout, LAYOUTS)
    layout = levels["layout"] = profile.layouts.get(layout, layout)
    model: dict[str, Any] = {"classes": data.classes, "width": profile.width(layout, data)}
    _check_known(f"study {study.name}, arm {arm!r}: factor", levels, FACTORS)
    units = {"epochs": profile.epochs(layout, data), "share": profile.share(data), "learning_rate": profile.rate}
    recipe: dict[str, Any] = {**units, "learning_rate": profile.rate * TrainConfig.learning_rate}
    if printed:
        units |= {"epochs": profile.printed_epochs, "learning_rate": 1.0}
        recipe = vars(printed) | {"epochs": profile.printed_epochs * printed.epochs, "share": units["share"]}
    try:
        for factor, level in levels.items():
            if factor in units:
                within(factor, level, 0, MAX_MULTIPLE)
                level = units[factor] * level
            fields = model if factor in MODEL_FACTORS else recipe
            fields[factor] = level
        if recipe["epochs"] > 0:
            recipe["epochs"] = max(1, round(recipe["epochs"]))
        recipe["share"] = min(1, recipe["share"])
        return ModelConfig(**model), TrainConfig(**recipe), device
    except InputError as error:
        raise InputError(f"study {study.name}, arm {arm!r}: {error}") from error


def _tuned_level(study: Study, arm: str, setting: Setting) -> Levels:
    level = setting.tuned_levels.get(study.name, {}).get(_tuned_name(study, arm))
    return {} if study.tuning is None or level is None else {study.tuning.factor: level}
