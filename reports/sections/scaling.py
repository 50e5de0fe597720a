"""Arms along a number: what follows as it grows, and by which law."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from ablations import Scale, Study
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Column, Figure, Heading, Table
from reports.rendering.line_plots import draw_responses
from reports.rendering.plot_style import Axis, metric_axis
from reports.statistics import summary
from reports.text.formatting import NOTHING, format_fixed, unit

ENOUGH = 4  # numbers that two laws of two parameters each can be told apart by


class Law(NamedTuple):
    """Accuracy, a fraction, as a function of a number and two parameters. start: near the parameters."""

    name: str
    function: Callable[..., np.ndarray]
    start: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _logarithm(x: np.ndarray, a: float, b: float) -> np.ndarray:
    return a + b * np.log(x)


def _power(x: np.ndarray, log_c: float, d: float) -> np.ndarray:
    return 1 - np.exp(log_c + d * np.log(x))


LAWS = (
    Law("accuracy grows with the logarithm", _logarithm, lambda x, y: np.polyfit(np.log(x), y, 1)[::-1]),
    Law("error falls as a power", _power, lambda x, y: np.polyfit(np.log(x), np.log(1 - y), 1)[::-1]),
)


def scaled(study: Study, evidence: Evidence) -> list[Block]:
    """The figure, and where the scale is logarithmic the laws; nothing for a study without one, or without numbers."""
    if study.scale is None:
        return []
    places = _places(study.scale, evidence.results)
    metrics = [metric for metric in study.scale.metrics if metric in evidence.results]
    if places.empty or not metrics:
        return []
    table = summary.by_arm(evidence.results.melt(["arm", "pair"], metrics, "metric").dropna(), ("arm", "metric"))
    table = places.merge(table, on="arm")
    label = study.scale.label
    drawing = draw_responses(
        table, [metric_axis(metric) for metric in metrics], Axis(label, label), study.scale.log, f"{study.name}-scale"
    )
    caption = f"{label} and what follows: means over seeds with 95 % intervals, a line a series."
    blocks: list[Block] = [Heading(f"By {label.lower()}", 3), Figure(*drawing, caption)]
    return blocks + ([laws(study, evidence, places)] if study.scale.log else [])


def _places(scale: Scale, results: pd.DataFrame) -> pd.DataFrame:
    """arm, series, x: where each arm with results lies."""
    trained = set(results["arm"]) if len(results) else set()

    def at(arm: str, place: float | str) -> float:
        if isinstance(place, str):
            return summary.values(results, arm, place).mean() * unit(place).factor
        return place

    rows = [
        (arm, series, at(arm, place))
        for series, arms in scale.series.items()
        for arm, place in arms.items()
        if arm in trained
    ]
    return pd.DataFrame(rows, columns=["arm", "series", "x"]).dropna()


def laws(study: Study, evidence: Evidence, places: pd.DataFrame) -> Table:
    """How near each law comes, by series: fitted to the means over seeds, and to all but the largest number, which it
    then foretells."""
    rows = []
    for series, own in places.groupby("series", sort=False):
        y = np.array([summary.values(evidence.results, arm, "test/accuracy").mean() for arm in own["arm"]])
        found = own.assign(y=y).sort_values("x")
        for law in LAWS:
            rows.append((Cell(law.name, str(series)), *_fitted(law, found["x"].to_numpy(float), found["y"].to_numpy())))
    return Table(
        f"{study.name}: two laws for test accuracy",
        (
            Column("Law", numeric=False),
            Column("Distance from the means", "points"),
            Column("Foretold of the largest", "%"),
            Column("Measured", "%"),
        ),
        tuple(rows),
        "Both laws have two parameters, by least squares; the distance is the root of the mean square. The largest is "
        "foretold by a fit to all the others.",
    )


def _fitted(law: Law, x: np.ndarray, y: np.ndarray) -> tuple[Cell, Cell, Cell]:
    if len(x) < ENOUGH or min(x) <= 0 or max(y) >= 1:  # neither has a logarithm
        return Cell(NOTHING), Cell(NOTHING), Cell(NOTHING)
    distance = 100 * float(np.sqrt(np.mean((fit(law, x, y)(x) - y) ** 2)))
    foretold = 100 * float(fit(law, x[:-1], y[:-1])(x[-1:])[0])
    return (
        Cell(format_fixed(distance, 2), "", distance),
        Cell(format_fixed(foretold, 1), "", foretold),
        Cell(format_fixed(100 * y[-1], 1), "", y[-1]),
    )


def fit(law: Law, x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The law with the parameters of least squares. x: above 0; y: accuracies below 1."""
    found = least_squares(lambda parameters: law.function(x, *parameters) - y, law.start(x, y), xtol=1e-12, ftol=1e-12)
    return lambda at: law.function(at, *found.x)
