"""Each arm's own level of a factor: tried on a grid, chosen on validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ablations.framework.expand import PlacedJob, make_trial
from ablations.framework.setting import Setting
from ablations.framework.study import Study, Tuning
from bench.records.store import finals
from bench.spec.jobs import Job

TUNING_SEEDS = (500, 501)  # of the trials that only serve the choice
MAX_GRID_LEVELS = 11  # levels of a grid that was extended
FAILED_SCORE = 0.0  # the score of a trial that diverged or failed

Record = dict[str, Any]
FindRecord = Callable[[Job], Record | None]


class TuningResult(NamedTuple):
    """trials: all that the choice needs, as far as is known. scores: mean validation accuracy over SEEDS, by arm and
    level, of the grid that was finished. tuned_levels: each arm's level; empty until all tries are done."""

    trials: list[PlacedJob]
    scores: dict[str, dict[float, float]]
    tuned_levels: dict[str, float]


def tune(study: Study, setting: Setting, find: FindRecord) -> TuningResult:
    """What is tried and what came of it. find: a trial's record, where there is one."""
    tuning = study.tuning
    if tuning is None:
        return TuningResult([], {}, {})
    grid, scores = list(tuning.grid), dict[str, dict[float, float]]()
    while True:
        tries = _tries(study, setting, tuning, grid)
        if any(find(one.job) is None for one in tries):
            return TuningResult(tries, scores, {})
        scores = {arm: _scores(arm, tuning, grid, tries, find) for arm in dict.fromkeys(tuning.takes.values())}
        best = {arm: _best(found) for arm, found in scores.items()}
        further = _further(tuning, grid, best.values())
        if not further:
            return TuningResult(tries, scores, {arm: best[source] for arm, source in tuning.takes.items()})
        grid = sorted([*grid, *further])


def placeholder_levels(tuning: Tuning) -> dict[str, float]:
    """A level for each arm, where none is known yet: another one for each that will be chosen by itself."""
    sources = list(dict.fromkeys(tuning.takes.values()))
    return {arm: tuning.grid[1] * (1 + sources.index(source) / 1000) for arm, source in tuning.takes.items()}


def _tries(study: Study, setting: Setting, tuning: Tuning, grid: Sequence[float]) -> list[PlacedJob]:
    arms = dict.fromkeys(tuning.takes.values())
    return [
        PlacedJob(
            study.name, _title(arm, tuning, level), seed, make_trial(study, arm, setting, seed, {tuning.factor: level})
        )
        for seed in TUNING_SEEDS
        for level in grid
        for arm in arms
    ]


def _title(arm: str, tuning: Tuning, level: float) -> str:
    return f"{arm}, trying {tuning.factor.replace('_', ' ')} {level:g}"


def _scores(
    arm: str, tuning: Tuning, grid: Sequence[float], tries: Sequence[PlacedJob], find: FindRecord
) -> dict[float, float]:
    """Of each level, ascending: the mean over seeds of the final validation accuracy."""
    scores = {}
    for level in grid:
        found = [find(place.job) for place in tries if place.arm == _title(arm, tuning, level)]
        own = [finals(r)["validation/accuracy"] if r and r["status"] == "finished" else FAILED_SCORE for r in found]
        scores[level] = sum(own) / len(own)
    return scores


def _best(scores: dict[float, float]) -> float:
    """Among equals the one nearest the grid's middle: an arm that learns nothing anywhere extends no grid."""
    levels = list(scores)
    return max(levels, key=lambda level: (scores[level], -abs(levels.index(level) - (len(levels) - 1) / 2)))


def _further(tuning: Tuning, grid: Sequence[float], best: Iterable[float]) -> list[float]:
    """Levels beyond an edge at which some arm is best."""
    if not tuning.ratio or len(grid) >= MAX_GRID_LEVELS:
        return []
    best = set(best)
    beyond = [grid[0] / tuning.ratio] * (grid[0] in best) + [grid[-1] * tuning.ratio] * (grid[-1] in best)
    return [float(f"{level:.6g}") for level in beyond]
