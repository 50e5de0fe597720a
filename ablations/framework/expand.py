"""Expands a study into its jobs."""

import dataclasses
from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Any

from pydantic import Strict, TypeAdapter

from ablations.framework.arm_trials import check_known, make_trial, tuned_name
from ablations.framework.claim import Contrast, Declaration, compared_names
from ablations.framework.profiles import AGAIN_SEED_OFFSET, Setting
from ablations.framework.seeds import TIMED
from ablations.framework.study import AGAIN, Study, all_arms, arm_levels
from ablations.framework.waves import PlacedJob, StudyWaves
from bench.metrics.table import METRICS, find_metric
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.fields import one_of
from bench.spec.jobs import Count, Probe, Timing, Trial

TIMINGS = TypeAdapter(
    Annotated[tuple[Timing, ...], Strict(False)],  # a study may yield them
    config=Declaration.__pydantic_config__,
)


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
    source = tuned_name(study, arm)
    is_tuned = study.tuning is not None and source in study.tuning.arms
    has_level = not is_tuned or source in setting.tuned_levels.get(study.name, {})
    device = arm_levels(study, arm).get("device", "cpu")
    one_of(f"study {study.name}, arm {arm!r}: device", device, ("cpu", "cuda"))
    return has_level and device in ("cpu", setting.device)


def _check_names(study: Study, timed: set[str]) -> None:
    """Raise InputError if a claim's metric or an arm is not found."""
    trained = set(all_arms(study))
    answered = {name for ask in study.probes for name in ask.gives}
    measured = trained | timed | answered | {*study.counts, *study.combinations}
    for claim in study.claims:
        unknown_metrics = [p.metric for p in (*claim.parts, *claim.requires) if find_metric(p.metric) is None]
        check_known(f"study {study.name}, claim {claim.id}: metric", unknown_metrics, METRICS)
        required_arms = [requires.arm for requires in claim.requires]
        check_known(f"study {study.name}, claim {claim.id}: a precondition's arm", required_arms, sorted(measured))
    named = [name for claim in study.claims for part in claim.parts for name in compared_names(part)]
    check_known(f"study {study.name}: a claim's arm", named, sorted(measured))
    groups = [*(ask.arms for ask in study.probes), *study.combinations.values()]
    groups += [*study.scale.series.values()] if study.scale else []
    groups += [study.tuning.arms] if study.tuning else []
    check_known(f"study {study.name}: arm", chain.from_iterable(groups), sorted(trained))


def _check_contrasts(study: Study, trials: Mapping[str, Trial]) -> None:
    """Raise InputError if a claim compares two arms of one network and recipe, which no number of seeds can decide.

    A factorial must not have two such arms either. Arms differ even if two tunings choose the same level for them, or a
    brief profile rounds their epochs or replaces their layouts.
    """

    def describe(arm: str) -> tuple[Any, ...]:
        levels = {"epochs": 1, "layout": ModelConfig.layout, **study.base, **study.arms[arm]}
        tuned_name = arm if study.tuning and arm in study.tuning.arms else ""
        return tuned_name, levels["epochs"], levels["layout"], trials[arm]

    arms = [arm for arm in study.arms if study.switches and arm in trials]
    first_arms = {describe(arm): arm for arm in reversed(arms)}
    for arm, first in [(arm, first_arms[describe(arm)]) for arm in arms]:
        if arm != first:
            problem = f"arms {first!r} and {arm!r} are one and the same network and recipe"
            raise InputError(f"study {study.name}: {problem}: a switch between them changes nothing")
    for claim_id, part in [(claim.id, part) for claim in study.claims for part in claim.parts]:
        compared = [name for name in (part.arm, part.reference) if name in study.arms and name in trials]
        is_sampled = isinstance(part, Contrast) and not part.metric.startswith(TIMED)  # timings name their own arms
        if is_sampled and len(compared) == 2 and len({*map(describe, map(str, compared))}) == 1:
            problem = f"{compared[0]!r} and {compared[1]!r} are one and the same network and recipe"
            raise InputError(f"study {study.name}, claim {claim_id}: {problem}: change a level of one of them")
