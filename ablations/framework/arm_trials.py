"""The trial of an arm: its network, recipe and device, from the levels that study, arm, profile and tuning give."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ablations.framework.profiles import Setting
from ablations.framework.study import Levels, Study, arm_levels
from bench.components.layouts import LAYOUTS
from bench.components.networks import check_factors
from bench.data.datasets import SIDE_PX
from bench.extensions.component import Component
from bench.spec.config import ALEXNET, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import list_names, one_of, within
from bench.spec.jobs import Trial

ALEXNET_FACTORS, RECIPE_FACTORS = (
    [field.name for field in dataclasses.fields(config) if field.name not in ("network", "factors")]
    for config in (ModelConfig, TrainConfig)
)
MAX_MULTIPLE = 1e6  # of the profile's epochs, share or learning rate

Components = Mapping[tuple[str, str], Component]  # by kind and name


def make_trial(study: Study, arm: str, setting: Setting, seed: int, overrides: Levels | None = None) -> Trial:
    """Return one training run of an arm.

    Args:
        study: The study.
        arm: Name of the arm.
        setting: The run's setting.
        seed: The trial's seed.
        overrides: Levels that replace the arm's own.

    Raises:
        InputError: A level is invalid, or the network is for images of another size.
    """
    model, recipe, device = resolve_levels(study, arm, setting, overrides or {})
    _check_images(study, model, setting)
    precision = setting.precision if device == setting.device else "float32"
    metrics = tuple(component.qualified_name for component in study.components if component.kind == "metric")
    return Trial(model, recipe, setting.data, seed, device, precision, metrics)


def _check_images(study: Study, model: ModelConfig, setting: Setting) -> None:
    """Raise InputError if the network's images are none of the profile's."""
    profile = setting.profile
    declared = {component.qualified_name: component for component in study.components}
    _, name = model.architecture
    shape = declared.get(name) or LAYOUTS[name]
    if profile.photographs and study.recipe:
        raise InputError(
            f"study {study.name} prints a recipe for images of {SIDE_PX} pixels; profile {profile.name} is not"
        )
    if profile.photographs and not shape.square_px:
        raise InputError(f"{model.title} is for images of {shape.size} pixels; profile {profile.name} is not")
    if not profile.photographs and shape.square_px:
        raise InputError(f"{model.title} needs images of {shape.size} pixels; they are kept at {SIDE_PX}")


def resolve_levels(study: Study, arm: str, setting: Setting, overrides: Levels) -> tuple[ModelConfig, TrainConfig, str]:
    """Return an arm's model, recipe and device.

    Later sources override earlier ones: the profile, the study's base, the arm, its tuned level, the overrides. 'share'
    and 'epochs' multiply the profile's, a share up to all images; the profile's `rate` multiplies a learning rate. In a
    study with a printed recipe epochs and rates are absolute (for a test the profile shortens the epochs). Names of
    components that the study's file declares become qualified ones.

    Raises:
        InputError: A factor is not found or a level is invalid.
    """
    own_levels = {**study.base, **arm_levels(study, arm), **_tuned_level(study, arm, setting), **overrides}
    device, network = own_levels.pop("device", setting.device), own_levels.pop("network", ALEXNET)
    components = {(component.kind, component.name): component for component in study.components}
    levels = {**({} if study.recipe else setting.profile.levels), **own_levels}
    recipe_levels = {factor: level for factor, level in levels.items() if factor in RECIPE_FACTORS}
    model_levels = {factor: level for factor, level in levels.items() if factor not in RECIPE_FACTORS}
    try:
        one_of("network", network, [ALEXNET, *(name for kind, name in components if kind == "network")])
        if network == ALEXNET:
            check_known("factor", model_levels, [*ALEXNET_FACTORS, *RECIPE_FACTORS, "network"])
            model = _configure_alexnet(model_levels, setting, components)
            layout = model_levels.get("layout", ModelConfig.layout)
        else:
            declared, layout = components["network", network], ModelConfig.layout
            own_factors = {factor: level for factor, level in own_levels.items() if factor in model_levels}
            factors = tuple(check_factors(declared.factors, own_factors).items())
            model = ModelConfig(network=declared.qualified_name, classes=setting.data.classes, factors=factors)
        return model, _configure_recipe(study, _qualify(recipe_levels, components), layout, setting), device
    except InputError as error:
        raise InputError(f"study {study.name}, arm {arm!r}: {error}") from error


def _configure_alexnet(levels: Levels, setting: Setting, components: Components) -> ModelConfig:
    profile, layout = setting.profile, levels.get("layout", ModelConfig.layout)
    one_of("layout", layout, [*LAYOUTS, *(name for kind, name in components if kind == "layout")])
    layout = profile.layouts.get(layout, layout)
    fields = {"classes": setting.data.classes, "width": profile.width(layout, setting.data), **levels}
    return ModelConfig(**_qualify({**fields, "layout": layout}, components))


def _configure_recipe(study: Study, levels: Levels, layout: str, setting: Setting) -> TrainConfig:
    profile, printed = setting.profile, study.recipe
    layout = profile.layouts.get(layout, layout)
    units = {
        "epochs": profile.epochs(layout, setting.data),
        "share": profile.share(setting.data),
        "learning_rate": profile.rate,
    }
    recipe: dict[str, Any] = {**units, "learning_rate": profile.rate * TrainConfig.learning_rate}
    if printed:
        units |= {"epochs": profile.printed_epochs, "learning_rate": 1.0}
        recipe = vars(printed) | {"epochs": profile.printed_epochs * printed.epochs, "share": units["share"]}
    for factor, level in levels.items():
        if factor in units:
            within(factor, level, 0, MAX_MULTIPLE)
            level = units[factor] * level
        recipe[factor] = level
    if recipe["epochs"] > 0:
        recipe["epochs"] = max(1, round(recipe["epochs"]))
    recipe["share"] = min(1, recipe["share"])
    return TrainConfig(**recipe)


def _qualify(levels: Levels, components: Components) -> dict[str, Any]:
    """Replace the names of declared components by qualified ones."""
    declared = {
        factor: components[factor, level]
        for factor, level in levels.items()
        if isinstance(level, str) and (factor, level) in components
    }
    return {**levels, **{factor: component.qualified_name for factor, component in declared.items()}}


def _tuned_level(study: Study, arm: str, setting: Setting) -> Levels:
    level = setting.tuned_levels.get(study.name, {}).get(tuned_name(study, arm))
    return {} if study.tuning is None or level is None else {study.tuning.factor: level}


def tuned_name(study: Study, arm: str) -> str:
    """Return the name of the arm whose tuned level this arm takes; the baseline's for a control."""
    return arm if arm in study.arms else study.baseline


def check_known(subject: str, names: Iterable[str], valid: Collection[str]) -> None:
    """Raise InputError, which lists the valid names, if one of the names is none of them."""
    valid_names = set(valid)
    if unknown := [name for name in names if name not in valid_names]:
        raise InputError(f"{subject} {unknown[0]!r} is unknown; it can be {list_names(valid)}")
