"""Tuning: the level of one factor that suits each arm best, by the metric that its claim speaks of.

A grid grows until no best level lies at its edge. Every learning rate is first tried with a third of the epochs, and
the best two then with all of them (successive halving, Jamieson & Talwalkar 2016, section 3). By validation accuracy
the lowest rate within two standard errors of the best wins; the error is that of a difference of two means, from the
deviations of both levels between seeds. Another factor may slow fitting, as dropout does, so that fewer epochs would
prefer less of it: every level is tried with all epochs, and the best mean wins. Steps to a training error are compared
under one seed, since they differ by factors, first with a ninth of the epochs; once a rate arrives, the search ends,
because at a constant rate none that has not arrived by then can arrive earlier.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import fmean, variance
from typing import Any, NamedTuple

from ablations.framework.arm_trials import make_trial
from ablations.framework.profiles import Setting
from ablations.framework.study import ACCURACY, STEPS, Study, Tuning
from ablations.framework.waves import PlacedJob, StudyWaves
from bench.records.store import final_metrics
from bench.spec.errors import InputError
from bench.spec.jobs import Trial

TUNING_SEEDS = (500, 501)  # no claim is judged by trials of these seeds
SHORT_SHARES = {ACCURACY: (1 / 3,), STEPS: (1 / 9, 1 / 3)}  # of the epochs, in the rounds before the last, by metric
FINALISTS = 2  # number of rates in the second round
MAX_GRID_LEVELS = 11  # a grid of this size is not extended
STANDARD_ERRORS = 2.0  # from the best level, within which a lower one wins
FAILED_SCORE = 0.0  # validation accuracy of a trial that diverged or failed
NEVER = -1e9  # score of a trial that did not arrive, before its training accuracy is added

Record = dict[str, Any]
Scores = dict[float, tuple[float, ...]]  # one for each seed, by level; a higher one is better


class TuningResult(NamedTuple):
    """The state of a study's tuning.

    Attributes:
        trials: The trials that the search needs, as far as its records show.
        later_trials: Trials of the second round that stand for those of arms whose first round is not finished.
        short_scores: Mean of the metric over the tuning seeds, by arm and level, in the last round with fewer epochs;
            infinite where steps are counted and a trial did not arrive.
        scores: The same with all epochs.
        tuned_levels: The level of each tuned arm whose search is finished.
    """

    trials: list[PlacedJob]
    later_trials: list[PlacedJob]
    short_scores: dict[str, dict[float, float]]
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
        return TuningResult([], [], {}, {}, {})
    waves = StudyWaves(study, setting)
    searches = {arm: _Search(study, tuning, arm, setting, find_record, waves.of_tuning(arm)) for arm in tuning.arms}
    levels = {arm: search.run() for arm, search in searches.items()}
    return TuningResult(
        [place for search in searches.values() for place in search.trials],
        [place for search in searches.values() for place in search.later_trials],
        {arm: _mean_metric(search.short_scores) for arm, search in searches.items()},
        {arm: _mean_metric(search.scores) for arm, search in searches.items()},
        {arm: level for arm, level in levels.items() if level is not None},
    )


@dataclass
class _Search:
    """The search for the level of one arm, which lists trials in the order in which it needs them."""

    study: Study
    tuning: Tuning
    arm: str
    setting: Setting
    find_record: Callable[[Trial], Record | None]
    wave: int
    trials: list[PlacedJob] = field(default_factory=list)
    later_trials: list[PlacedJob] = field(default_factory=list)
    short_scores: Scores = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)

    def run(self) -> float | None:
        """Return the level, or None while a trial has no record."""
        levels = list(self.tuning.grid)
        for share in SHORT_SHARES[self.tuning.metric] if self.tuning.is_of_rate else ():
            self.short_scores = {}
            if not self._extend(self.short_scores, self.tuning.grid, share):
                self.later_trials = [
                    trial for level in self.tuning.grid[:FINALISTS] for trial in self._place(level, 1.0)
                ]
                return None
            levels = self._rank(self.short_scores)[:FINALISTS]
            if self.tuning.metric == STEPS and min(self.short_scores[levels[0]]) > NEVER + 1:
                return levels[0]
        return self._choose() if self._extend(self.scores, sorted(levels), 1.0) else None

    def _extend(self, scores: Scores, levels: Sequence[float], share: float) -> bool:
        """Score levels, and those beyond an edge of the grid that is best; return whether all have their records."""
        while levels:
            level_scores = {level: self._score_level(level, share) for level in levels}
            scores |= {level: values for level, values in level_scores.items() if values is not None}
            if None in level_scores.values():
                return False
            levels = self._level_beyond(scores)
        return True

    def _score_level(self, level: float, share: float) -> tuple[float, ...] | None:
        """List the trials of a level; return their scores, or None while one has no record."""
        placed = self._place(level, share)
        self.trials += placed
        records = [self.find_record(place.job) for place in placed if isinstance(place.job, Trial)]
        scores = tuple(_score(self.tuning.metric, record) for record in records if record)
        return scores if len(scores) == len(placed) else None

    def _place(self, level: float, share: float) -> list[PlacedJob]:
        """Return the trials of a level, one per seed, with a share of the epochs."""
        placed = []
        for seed in TUNING_SEEDS if self.tuning.metric == ACCURACY else TUNING_SEEDS[:1]:
            trial = make_trial(self.study, self.arm, self.setting, seed, {self.tuning.factor: level})
            recipe = replace(trial.recipe, epochs=max(1, round(share * trial.recipe.epochs)))
            text = f"{self.tuning.factor.replace('_', ' ')} {level:g} for {recipe.epochs} epochs"
            title = f"{self.arm}, trying {text}"
            placed.append(PlacedJob(self.study.name, title, seed, replace(trial, recipe=recipe), self.wave))
        return placed

    def _level_beyond(self, scores: Scores) -> list[float]:
        """Return the level beyond the edge of the grid that is best; none if the best is no edge, or the grid full."""
        grid, ratio, best = self._grid(), self.tuning.ratio, self._rank(scores)[0]
        if not ratio or len(grid) >= MAX_GRID_LEVELS or best not in (grid[0], grid[-1]):
            return []
        level = float(f"{best / ratio if best == grid[0] else best * ratio:.6g}")
        with suppress(InputError):  # no probability, for instance, lies above 1
            self._place(level, 1.0)
            return [level]
        return []

    def _rank(self, scores: Scores) -> list[float]:
        """Rank levels from the best; equal ones by nearness to the middle, so that no equality extends the grid."""
        grid = self._grid()
        middle = (len(grid) - 1) / 2
        return sorted(scores, key=lambda level: (-fmean(scores[level]), abs(grid.index(level) - middle)))

    def _choose(self) -> float:
        """Return the lowest learning rate within `STANDARD_ERRORS` of the best; of another factor, the best level."""
        best = self._rank(self.scores)[0]
        if not self.tuning.is_of_rate:
            return best
        return min(level for level, scores in self.scores.items() if _is_near(scores, self.scores[best]))

    def _grid(self) -> list[float]:
        return sorted({**self.short_scores, **self.scores})


def placeholder_levels(tuning: Tuning) -> dict[str, float]:
    """Return a placeholder level for each tuned arm, all different."""
    return {arm: tuning.grid[1] * (1 + place / 1000) for place, arm in enumerate(tuning.arms)}


def _is_near(scores: Sequence[float], best: Sequence[float]) -> bool:
    """Whether a level lies within `STANDARD_ERRORS` of the best one, and arrives under as many seeds."""
    error = math.sqrt((variance(scores) + variance(best)) / len(best)) if len(best) > 1 else 0.0
    arrivals, best_arrivals = (sum(score > NEVER + 1 for score in values) for values in (scores, best))
    return arrivals >= best_arrivals and fmean(best) - fmean(scores) <= STANDARD_ERRORS * error


def _score(metric: str, record: Record) -> float:
    """Score a trial: by its accuracy or, below zero, its steps; one that does not arrive, by its training accuracy."""
    metrics = final_metrics(record) if record["status"] == "finished" else {}
    if metric == ACCURACY:
        return metrics.get(ACCURACY, FAILED_SCORE)
    return -metrics[STEPS] if STEPS in metrics else NEVER + metrics.get("train/accuracy", 0.0)


def _mean_metric(scores: Scores) -> dict[float, float]:
    """Return the mean of the metric by level; infinite if a trial did not arrive."""
    return {level: math.inf if min(values) <= NEVER + 1 else abs(fmean(values)) for level, values in scores.items()}
