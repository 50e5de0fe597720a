"""Paired differences from the baseline, or ratios to it, with their intervals, margins and noise floor."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from reports.rendering.plot_style import (
    BAND,
    EDGE,
    Axis,
    Drawing,
    join_rows,
    line_styles,
    open_panels,
    set_names,
    wrap_name,
)
from reports.rendering.svg import export_svg, set_data
from reports.text.formatting import TIMES, format_mean_interval, format_number, format_power

DIFFERENCE_COLUMNS = ["arm", "metric", "mean", "low", "high", "floor", "margin", "pairs", "trials"]
MAX_DOTS = 200  # per row; more dots would hardly be distinguishable, and each adds a line to the file


def draw_differences(
    table: pd.DataFrame, axes: Sequence[Axis], arms: Sequence[str], baseline: str, name: str
) -> Drawing:
    """Draw paired differences or ratios: one panel per metric, one row per arm, one dot per pair.

    Args:
        table: Columns arm, metric, mean, low and high (bounds of the 95 % interval), floor (noise floor), margin and
            pairs (a tuple of differences), in shown units; an axis of ratios has ratios in all of them. Column trials
            holds for each pair a tuple of the names of its trials.
        axes: The metrics, one per panel.
        arms: The arms, from top to bottom.
        baseline: The arm that they are compared with.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the first metric's means in words.
    """
    with open_panels(len(axes), 0.7 + 0.25 * len(arms), sharey=True) as (figure, panels):
        trials = dict.fromkeys(trial for pairs in table["trials"] for pair in pairs for trial in pair)
        places = {name: place for place, name in enumerate([*arms, *trials])}
        set_names(figure, list(places))
        for panel, axis in zip(panels, axes, strict=True):
            rows = table[table["metric"] == axis.metric]
            for place, (arm, (colour, marker, _)) in enumerate(line_styles([baseline, *arms])[1:]):
                for _, row in rows[rows["arm"] == arm].iterrows():
                    dots, mean = _draw_row(panel, place, row, colour, marker, axis.is_ratio)
                    _add_tooltips(dots, mean, row, axis, places)
            floor = rows["floor"].max()
            if floor > axis.neutral:
                panel.axvspan(*_to_either_side(floor, axis.is_ratio), color=BAND, linewidth=0, zorder=0)
            panel.axvline(axis.neutral, color="black", linewidth=0.8, zorder=1)
            panel.set_xlabel(textwrap.fill(axis.label, 44 if len(axes) < 2 else 30))
            panel.grid(axis="y", visible=False)
            _scale_ratios(panel) if axis.is_ratio else _compress_outliers(panel, rows)
        labels = [wrap_name(arm) for arm in arms]
        size = 7 if any("\n" in label for label in labels) else 8  # two lines of 8 points would touch the next label
        panels[0].set_yticks(range(len(arms)), labels, fontsize=size, linespacing=1.0)
        panels[0].set_ylim(len(arms) - 0.5, -0.5)
        return Drawing(export_svg(figure, name), _describe_means(table, axes[0], baseline))


def _draw_row(
    panel: Axes, place: int, row: pd.Series, colour: str, marker: str, is_ratio: bool
) -> tuple[Artist, Artist]:
    """Draw margins, pairs, and mean with interval; return the artists of the last two."""
    if np.isfinite(row["margin"]):
        bounds = _to_either_side(row["margin"], is_ratio)
        panel.vlines(bounds, place - 0.5, place + 0.5, color=EDGE, linestyle="--", linewidth=1)
    values = [row["pairs"][number] for number in _select_pairs(row)]
    dots = panel.scatter(values, [place + 0.24] * len(values), s=9, color=colour, alpha=0.45, linewidth=0)
    halves = np.nan_to_num([[row["mean"] - row["low"]], [row["high"] - row["mean"]]])
    bar = panel.errorbar(
        row["mean"], place - 0.08, xerr=halves, color=colour, marker=marker, markersize=4.5, capsize=2.5
    )
    return dots, bar.lines[0]


def _describe_means(table: pd.DataFrame, axis: Axis, baseline: str) -> str:
    rows = table.loc[table["metric"] == axis.metric, ["arm", "mean", "low", "high"]]
    kind, sign = ("ratios to", "") if axis.is_ratio else ("differences from", "+")
    means = "; ".join(
        f"{arm} {mean:{sign}.2f}" + f" [{low:{sign}.2f}, {high:{sign}.2f}]" * math.isfinite(low)
        for arm, mean, low, high in rows.itertuples(index=False)
    )
    return f"Paired {kind} {baseline}, {axis.label}, mean and 95 % interval: {means}."


def _select_pairs(row: pd.Series) -> list[int]:
    """Numbers of the pairs with a dot: all, or MAX_DOTS evenly from the smallest difference to the largest."""
    count = len(row["pairs"])
    if count <= MAX_DOTS:
        return list(range(count))
    return list(np.argsort(row["pairs"], kind="stable")[np.linspace(0, count - 1, MAX_DOTS).round().astype(int)])


def _add_tooltips(dots: Artist, mean: Artist, row: pd.Series, axis: Axis, places: Mapping[str, int]) -> None:
    """Attach the tooltips' data: value and trials of each pair, mean with interval; `places` are those of all names."""
    trials = [",".join(str(places[name]) for name in names) for names in row["trials"]]
    values = [f"{TIMES}{format_number(v)}" if axis.is_ratio else format_number(v, signed=True) for v in row["pairs"]]
    pairs = [(values[number], trials[number]) for number in _select_pairs(row)]
    joint = "over" if axis.is_ratio else "minus"
    set_data(dots, text=f"{axis.label}: {{0}}\n{{1*}}", joint=joint, rows=join_rows(pairs))
    bounds = row["low"], row["high"]
    estimate = format_mean_interval(row["mean"], bounds, signed=True)
    if axis.is_ratio:  # its bounds may lie decades apart
        low, high = (format_number(bound, 2) for bound in bounds)
        estimate = f"{TIMES}{format_number(row['mean'])} [{low}, {high}]"
    text = f"{{*}}\n{axis.label}: {{0}}\nMean with 95 % interval; pairs: {{1}}"
    set_data(mean, arm=places[row["arm"]], text=text, rows=join_rows([(estimate, len(values))]))


def _to_either_side(bound: float, is_ratio: bool) -> tuple[float, float]:
    return (1 / bound, bound) if is_ratio else (-bound, bound)


def _scale_ratios(panel: Axes) -> None:
    """Make the axis logarithmic, with ticks at powers of 2, or of 10 where the ratios span more than a factor of 64."""
    panel.set_xscale("log", base=2)
    low, high = panel.get_xlim()
    panel.xaxis.set_major_locator(LogLocator(10 if high > 64 * low else 2, numticks=5))
    panel.xaxis.set_major_formatter(lambda ratio, _: f"{TIMES}{format_power(ratio)}")
    panel.minorticks_off()


def _compress_outliers(panel: Axes, rows: pd.DataFrame) -> None:
    """Make the axis logarithmic beyond four margins, where one arm's failure would squeeze the others into a line."""
    margin, points = rows["margin"].max(), np.concatenate([rows["mean"], *rows["pairs"]])
    if not np.abs(points).max() > 20 * margin:
        return
    panel.set_xscale("symlog", linthresh=4 * margin, linscale=1.5)
    low, high = (1.3 * min(points.min(), -2 * margin), 1.3 * max(points.max(), 2 * margin))
    panel.set_xlim(low, high)
    multiples = [sign * multiple for sign in (-1, 1) for multiple in (1, 4, 20, 80)]
    ticks = [multiple * margin for multiple in multiples if low < multiple * margin < high]
    panel.set_xticks([0, *ticks], ["0", *(format_number(tick, signed=True) for tick in ticks)])
    panel.minorticks_off()
