"""Tuning: the level of one factor that suits each arm best, by validation accuracy over a grid."""

from collections.abc import Callable, Collection, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from ablations.framework.expand import PlacedJob, make_trial
from ablations.framework.setting import Setting
from ablations.framework.study import Study, Tuning
from bench.records.store import final_metrics
from bench.spec.jobs import Trial

TUNING_SEEDS = (500, 501)  # no claim is judged by trials of these seeds
MAX_GRID_LEVELS = 11  # a grid of this size is not extended
FAILED_SCORE = 0.0  # of a trial that diverged or failed

Record = dict[str, Any]


class TuningResult(NamedTuple):
    """The state of a study's tuning.

    Attributes:
        trials: All trials of the grid so far.
        scores: Mean final validation accuracy over `TUNING_SEEDS`, by arm and level, of the last complete grid.
        tuned_levels: The level of each tuned arm; empty until every trial has a record.
    """

    trials: list[PlacedJob]
    scores: dict[str, dict[float, float]]
    tuned_levels: dict[str, float]


def tune(study: Study, setting: Setting, find_record: Callable[[Trial], Record | None]) -> TuningResult:
    """Return the trials that tuning needs, their scores, and the levels that it has chosen.

    Args:
        study: The study.
        setting: The run's setting.
        find_record: Function that returns the record of a trial, or None before it ran.
    """
    tuning = study.tuning
    if tuning is None:
        return TuningResult([], {}, {})
    grid, scores = list(tuning.grid), dict[str, dict[float, float]]()
    while True:
        trials = _trials(study, setting, tuning, grid)
        placed = [
            PlacedJob(study.name, f"{arm}, trying {tuning.factor.replace('_', ' ')} {level:g}", seed, trial)
            for (arm, level, seed), trial in trials.items()
        ]
        trial_scores = {key: _score(record) for key, trial in trials.items() if (record := find_record(trial))}
        if len(trial_scores) < len(trials):
            return TuningResult(placed, scores, {})
        scores = {
            arm: {level: fmean(trial_scores[arm, level, seed] for seed in TUNING_SEEDS) for level in grid}
            for arm in dict.fromkeys(tuning.takes.values())
        }
        best_levels = {arm: _best_level(scores[arm]) for arm in scores}
        new_levels = _levels_beyond(tuning, grid, best_levels.values())
        if not new_levels:
            return TuningResult(placed, scores, {arm: best_levels[source] for arm, source in tuning.takes.items()})
        grid = sorted([*grid, *new_levels])


def _trials(
    study: Study, setting: Setting, tuning: Tuning, grid: Sequence[float]
) -> dict[tuple[str, float, int], Trial]:
    """The trials of a grid, by arm, level and seed."""
    return {
        (arm, level, seed): make_trial(study, arm, setting, seed, {tuning.factor: level})
        for seed in TUNING_SEEDS
        for level in grid
        for arm in dict.fromkeys(tuning.takes.values())
    }


def placeholder_levels(tuning: Tuning) -> dict[str, float]:
    """Return a placeholder level for each tuned arm; only arms that share their tuned level have the same one."""
    places = {source: place for place, source in enumerate(dict.fromkeys(tuning.takes.values()))}
    return {arm: tuning.grid[1] * (1 + places[source] / 1000) for arm, source in tuning.takes.items()}


def _score(record: Record) -> float:
    return final_metrics(record)["validation/accuracy"] if record["status"] == "finished" else FAILED_SCORE


def _best_level(scores: dict[float, float]) -> float:
    """The best level; among equals the one nearest the middle, so that an arm that never learns extends no grid."""
    levels = list(scores)
    return max(levels, key=lambda level: (scores[level], -abs(levels.index(level) - (len(levels) - 1) / 2)))


def _levels_beyond(tuning: Tuning, grid: Sequence[float], best_levels: Collection[float]) -> list[float]:
    """New levels beyond each edge of the grid at which some arm is best."""
    if not tuning.ratio or len(grid) >= MAX_GRID_LEVELS:
        return []
    below, above = grid[0] / tuning.ratio, grid[-1] * tuning.ratio
    levels = [below] * (grid[0] in best_levels) + [above] * (grid[-1] in best_levels)
    return [float(f"{level:.6g}") for level in levels]
