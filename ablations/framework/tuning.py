"""Tuning: the level of one factor that suits each arm best, by validation accuracy, by successive halving.

Every level of a grid is first tried with a third of the epochs; the best two are then tried with all of them (Jamieson
& Talwalkar 2016, section 3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, NamedTuple

from ablations.framework.expand import PlacedJob, make_trial
from ablations.framework.setting import Setting
from ablations.framework.study import Study, Tuning
from bench.records.store import final_metrics
from bench.spec.jobs import Trial

TUNING_SEEDS = (500, 501)  # no claim is judged by trials of these seeds
SHORT_SHARE = 1 / 3  # share of the epochs of the first round
FINALISTS = 2  # number of levels in the second round
MAX_GRID_LEVELS = 11  # a grid of this size is not extended
FAILED_SCORE = 0.0  # of a trial that diverged or failed

Record = dict[str, Any]
Scores = dict[float, float]


class TuningResult(NamedTuple):
    """The state of a study's tuning.

    Attributes:
        trials: The trials that the search needs, as far as its records show.
        later_trials: Trials of the second round that stand for those of arms whose first round is not finished.
        short_scores: Mean final validation accuracy over `TUNING_SEEDS`, by arm and level, with a third of the epochs.
        scores: The same with all epochs.
        tuned_levels: The level of each tuned arm whose search is finished.
    """

    trials: list[PlacedJob]
    later_trials: list[PlacedJob]
    short_scores: dict[str, Scores]
    scores: dict[str, Scores]
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
    arms = dict.fromkeys(tuning.takes.values())
    searches = {arm: _Search(study, tuning, arm, setting, find_record) for arm in arms}
    levels = {arm: search.run() for arm, search in searches.items()}
    return TuningResult(
        [place for search in searches.values() for place in search.trials],
        [place for search in searches.values() for place in search.later_trials],
        {arm: search.short_scores for arm, search in searches.items()},
        {arm: search.scores for arm, search in searches.items()},
        {arm: level for arm, source in tuning.takes.items() if (level := levels[source]) is not None},
    )


@dataclass
class _Search:
    """The search for the level of one arm, which lists trials in the order in which it needs them."""

    study: Study
    tuning: Tuning
    arm: str
    setting: Setting
    find_record: Callable[[Trial], Record | None]
    trials: list[PlacedJob] = field(default_factory=list)
    later_trials: list[PlacedJob] = field(default_factory=list)
    short_scores: Scores = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)

    def run(self) -> float | None:
        """Return the level, or None while a trial has no record."""
        if self.setting.revision < 4:  # its records hold every level with all epochs
            return self._rank(self.scores)[0] if self._extend(self.scores, self.tuning.grid, 1.0) else None
        if not self._extend(self.short_scores, self.tuning.grid, SHORT_SHARE):
            finalists = self.tuning.grid[:FINALISTS]
            self.later_trials = [trial for level in finalists for trial in self._place(level, 1.0)]
            return None
        finalists = sorted(self._rank(self.short_scores)[:FINALISTS])
        return self._rank(self.scores)[0] if self._extend(self.scores, finalists, 1.0) else None

    def _extend(self, scores: Scores, levels: Sequence[float], share: float) -> bool:
        """Score levels, and those beyond an edge of the grid that is best; return whether all have their records."""
        while levels:
            means = {level: self._mean_score(level, share) for level in levels}
            scores |= {level: mean for level, mean in means.items() if mean is not None}
            if None in means.values():
                return False
            levels = self._level_beyond(scores)
        return True

    def _mean_score(self, level: float, share: float) -> float | None:
        """List the trials of a level; return their mean score, or None while one has no record."""
        placed = self._place(level, share)
        self.trials += placed
        records = [self.find_record(place.job) for place in placed if isinstance(place.job, Trial)]
        scores = [_score(record) for record in records if record]
        return fmean(scores) if len(scores) == len(placed) else None

    def _place(self, level: float, share: float) -> list[PlacedJob]:
        """Return the trials of a level, one per seed, with a share of the epochs."""
        placed = []
        for seed in TUNING_SEEDS:
            trial = make_trial(self.study, self.arm, self.setting, seed, {self.tuning.factor: level})
            recipe = replace(trial.recipe, epochs=max(1, round(share * trial.recipe.epochs)))
            text = f"{self.tuning.factor.replace('_', ' ')} {level:g} for {recipe.epochs} epochs"
            title = f"{self.arm}, trying {text}"
            placed.append(PlacedJob(self.study.name, title, seed, replace(trial, recipe=recipe)))
        return placed

    def _level_beyond(self, scores: Scores) -> list[float]:
        """Return the level beyond the edge of the grid that is best; none if the best is no edge, or the grid full."""
        grid, ratio, best = self._grid(), self.tuning.ratio, self._rank(scores)[0]
        if not ratio or len(grid) >= MAX_GRID_LEVELS or best not in (grid[0], grid[-1]):
            return []
        return [float(f"{best / ratio if best == grid[0] else best * ratio:.6g}")]

    def _rank(self, scores: Scores) -> list[float]:
        """Rank levels from the best; equal ones by nearness to the middle, so that no equality extends the grid."""
        grid = self._grid()
        middle = (len(grid) - 1) / 2
        return sorted(scores, key=lambda level: (-scores[level], abs(grid.index(level) - middle)))

    def _grid(self) -> list[float]:
        return sorted({**self.short_scores, **self.scores})


def placeholder_levels(tuning: Tuning) -> dict[str, float]:
    """Return a placeholder level for each tuned arm; only arms that share their tuned level have the same one."""
    places = {source: place for place, source in enumerate(dict.fromkeys(tuning.takes.values()))}
    return {arm: tuning.grid[1] * (1 + places[source] / 1000) for arm, source in tuning.takes.items()}


def _score(record: Record) -> float:
    return final_metrics(record)["validation/accuracy"] if record["status"] == "finished" else FAILED_SCORE
