"""Means and intervals of what is shown; verdicts come from `judge` alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablations import AGAIN, Contrast, Study
from reports.statistics import paired_tests


class Mean(NamedTuple):
    """half: half the width of the 95 % t interval; not a number where the values leave no spread."""

    mean: float = np.nan
    half: float = np.nan
    pairs: int = 0

    def times(self, factor: float) -> Mean:
        return Mean(self.mean * factor, self.half * factor, self.pairs)


class Split(NamedTuple):
    """A study's baseline against itself. share: of random splits into pairs that a t test calls different."""

    study: str
    share: float
    values: int


def split(study: Study, results: pd.DataFrame) -> Split | None:
    """Of test accuracies under all of the baseline's seeds, the A/A arm's among them; None where they are too few."""
    both = [value for arm in (study.baseline, AGAIN) for value in values(results, arm, "test/accuracy")]
    share = paired_tests.split(both)
    return None if share is None else Split(study.name, share, len(both))


def mean(values: pd.Series) -> Mean:
    found = paired_tests.summary([float(value) for value in values])
    low, high = found.interval or (np.nan, np.nan)
    return Mean(np.nan if found.mean is None else found.mean, (high - low) / 2, len(values))


def values(results: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """The arm's values by pair. results: of one study."""
    if metric not in results:
        return pd.Series(dtype=float)
    chosen = results.loc[results["arm"] == arm, ["pair", metric]]
    return chosen.set_index("pair")[metric].dropna().sort_index()


def pairs(results: pd.DataFrame, arm: str, baseline: str, metric: str) -> pd.Series:
    """Differences from the baseline, of the pairs that both have."""
    return (values(results, arm, metric) - values(results, baseline, metric)).dropna()


def floor(results: pd.DataFrame, baseline: str, metric: str) -> float:
    """The noise floor: within it lies, 19 times in 20, the mean difference of the baseline from itself."""
    return mean(pairs(results, AGAIN, baseline, metric)).half


def by_arm(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The keys' mean, half and pairs over the column 'value'."""
    rows = [(*key, *mean(group)) for key, group in table.groupby(list(keys), sort=False)["value"]]
    return pd.DataFrame(rows, columns=[*keys, "mean", "half", "pairs"])


def margin(study: Study, arm: str, metric: str) -> float:
    """The smallest margin, in shown units, that a claim of the study sets this arm's difference from the baseline."""
    found = [
        part.margin
        for claim in study.claims
        for part in claim.parts
        if isinstance(part, Contrast) and not part.ratio and part.metric == metric
        if {arm, study.baseline} == {part.arm, part.reference}
    ]
    return min(found, default=np.nan)


def contrasted(study: Study) -> list[str]:
    """The metrics of the study's contrasts, test accuracy first."""
    return _metrics(study, lambda part: True)


def subtracted(study: Study) -> list[str]:
    """Those of them whose differences are judged, not their ratios."""
    return _metrics(study, lambda part: not part.ratio and isinstance(part.reference, str))


def _metrics(study: Study, wanted: Callable[[Contrast], bool]) -> list[str]:
    parts = [part for claim in study.claims for part in claim.parts if isinstance(part, Contrast)]
    return list(dict.fromkeys(["test/accuracy", *(part.metric for part in parts if wanted(part))]))
