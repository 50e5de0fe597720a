"""Metrics of arms against a number such as depth, and the scaling law of test accuracy."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from ablations import Scale, Study
from bench.metrics.table import describe_metric
from reports.evidence import Evidence
from reports.rendering.blocks import Cell, Figure, Table, make_columns
from reports.rendering.line_plots import draw_responses
from reports.rendering.plot_style import Axis, metric_axis
from reports.statistics import summary
from reports.text.formatting import NOTHING, format_fixed

MIN_POINTS = 4  # fewer fit two laws of two parameters each about equally well


class Law(NamedTuple):
    """Accuracy as a function of a number: a straight line in its logarithm, transformed.

    Attributes:
        name: The law in words.
        accuracy: Accuracies, as fractions, of points on the line.
        line: The inverse of `accuracy`.
    """

    name: str
    accuracy: Callable[[np.ndarray], np.ndarray]
    line: Callable[[np.ndarray], np.ndarray]


LAWS = (
    Law("accuracy grows with the logarithm", lambda line: line, lambda accuracy: accuracy),
    Law("error falls as a power", lambda line: 1 - np.exp(line), lambda accuracy: np.log(1 - accuracy)),
)


def build_scaling(study: Study, evidence: Evidence) -> list[Figure]:
    """Build the figure; none for a study without a scale, or with numbers of one arm."""
    if study.scale is None:
        return []
    places = _tabulate_places(study.scale, evidence.results)
    metrics = [metric for metric in study.scale.metrics if metric in evidence.results]
    if len(places) < 2 or not metrics:
        return []
    table = summary.average_by(evidence.results.melt(["arm", "pair"], metrics, "metric").dropna(), ("arm", "metric"))
    label, axes = study.scale.label, [metric_axis(metric) for metric in metrics]
    table = places.merge(table, on="arm")
    drawing = draw_responses(table, axes, Axis(label, label), study.scale.log, f"{study.name}-scale")
    return [
        Figure(*drawing, f"{study.name} by {label.lower()}: means over seeds with 95 % intervals; one line per series.")
    ]


def _tabulate_places(scale: Scale, results: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the position of each arm on the scale, a number or the mean of a metric: columns arm, series and x."""
    trained = set(results["arm"]) if len(results) else set()

    def locate(arm: str, place: float | str) -> float:
        if isinstance(place, str):
            return summary.select_values(results, arm, place).mean() * describe_metric(place).factor
        return place

    rows = [
        (arm, series, locate(arm, place))
        for series, arms in scale.series.items()
        for arm, place in arms.items()
        if arm in trained
    ]
    return pd.DataFrame(rows, columns=["arm", "series", "x"]).dropna()


def tabulate_laws(study: Study, evidence: Evidence) -> list[Table]:
    """Tabulate each law's fits by series: to all means over seeds, and to all except that of the largest number.

    There is no table for a study without a logarithmic scale or numbers.
    """
    if study.scale is None or not study.scale.log:
        return []
    places = _tabulate_places(study.scale, evidence.results)
    if places.empty:
        return []
    rows = []
    for series, arms in places.groupby("series", sort=False):
        means = [summary.select_values(evidence.results, arm, "test/accuracy").mean() for arm in arms["arm"]]
        points = arms.assign(y=means).sort_values("x")
        x, y = points["x"].to_numpy(float), points["y"].to_numpy()
        rows += [(Cell(law.name, str(series)), *_law_cells(law, x, y)) for law in LAWS]
    heads = ("Root mean square error", "points"), ("Predicted at the largest", "%"), ("Measured there", "%")
    remark = (
        "Both laws have two parameters, fitted to the means over seeds by least squares. The prediction comes from a "
        "fit to all means but the one at the largest number."
    )
    return [Table(f"{study.name}: two laws for test accuracy", make_columns("Law", *heads), tuple(rows), remark)]


def _law_cells(law: Law, x: np.ndarray, y: np.ndarray) -> list[Cell]:
    if len(x) < MIN_POINTS or min(x) <= 0 or max(y) >= 1:  # these have no logarithm
        return [Cell(NOTHING)] * 3
    error = 100 * float(np.sqrt(np.mean((fit_law(law, x, y)(x) - y) ** 2)))
    predicted = 100 * float(fit_law(law, x[:-1], y[:-1])(x[-1:])[0])
    numbers = (error, 2), (predicted, 1), (100 * y[-1], 1)
    return [Cell(format_fixed(number, decimals), "", number) for number, decimals in numbers]


def fit_law(law: Law, x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a law by least squares.

    Args:
        law: The law.
        x: Numbers above 0, of shape (points,).
        y: Accuracies below 1 as fractions, of shape (points,).

    Returns:
        The fitted law: accuracies of numbers, both of shape (n,).
    """
    start = np.polyfit(np.log(x), law.line(y), 1)

    def predict(line: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return law.accuracy(np.polyval(line, np.log(numbers)))

    fit = least_squares(lambda line: predict(line, x) - y, start, xtol=1e-12, ftol=1e-12)
    return partial(predict, fit.x)
