"""Paired differences from the baseline, with their intervals, margins and noise floor."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from reports.rendering.plot_style import BAND, EDGE, Axis, Drawing, line_styles, open_panels, wrap_name
from reports.rendering.svg import export_svg
from reports.text.formatting import MINUS

MAX_DOTS = 200  # per row; more dots would hardly be distinguishable, and each adds a line to the file


def draw_differences(
    table: pd.DataFrame, axes: Sequence[Axis], arms: Sequence[str], baseline: str, name: str
) -> Drawing:
    """Draw paired differences from the baseline: one panel per metric, one row per arm, one dot per pair.

    Args:
        table: Columns arm, metric, mean, half (half-width of the 95 % interval), floor (noise floor), margin and pairs
            (a tuple of differences), in shown units.
        axes: The metrics, one per panel.
        arms: The arms, from top to bottom.
        baseline: The arm that they are compared with.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the first metric's means in words.
    """
    with open_panels(len(axes), 1.1 + 0.34 * len(arms), sharey=True) as (figure, panels):
        for panel, axis in zip(panels, axes, strict=True):
            rows = table[table["metric"] == axis.metric]
            for place, (arm, (colour, marker, _)) in enumerate(line_styles([baseline, *arms])[1:]):
                for _, row in rows[rows["arm"] == arm].iterrows():
                    _draw_row(panel, place, row, colour, marker)
            floor = rows["floor"].max()
            if floor > 0:
                panel.axvspan(-floor, floor, color=BAND, linewidth=0, zorder=0)
            panel.axvline(0, color="black", linewidth=0.8, zorder=1)
            panel.set_xlabel(textwrap.fill(axis.label, 44 if len(axes) < 2 else 30))
            panel.grid(axis="y", visible=False)
            _compress_outliers(panel, rows)
        panels[0].set_yticks(range(len(arms)), [wrap_name(arm) for arm in arms])
        panels[0].set_ylim(len(arms) - 0.5, -0.5)
        first = table[table["metric"] == axes[0].metric]
        means = "; ".join(f"{row.arm} {row.mean:+.2f} with half-width {row.half:.2f}" for row in first.itertuples())
        alt = f"Paired differences from {baseline}, {axes[0].label}, mean and 95 % interval: {means}."
        return Drawing(export_svg(figure, name), alt)


def _draw_row(panel: Axes, place: int, row: pd.Series, colour: str, marker: str) -> None:
    if np.isfinite(row["margin"]):
        panel.vlines([-row["margin"], row["margin"]], place - 0.5, place + 0.5, color=EDGE, linestyle="--", linewidth=1)
    dots = row["pairs"]
    if len(dots) > MAX_DOTS:
        dots = np.quantile(dots, np.linspace(0, 1, MAX_DOTS), method="nearest")
    panel.scatter(dots, [place + 0.2] * len(dots), s=9, color=colour, alpha=0.45, linewidth=0)
    half = row["half"] if np.isfinite(row["half"]) else 0
    panel.errorbar(row["mean"], place - 0.08, xerr=half, color=colour, marker=marker, markersize=5, capsize=3)


def _compress_outliers(panel: Axes, rows: pd.DataFrame) -> None:
    """Make the axis logarithmic beyond four margins, where one arm's failure would squeeze the others into a line."""
    margin, points = rows["margin"].max(), np.concatenate([rows["mean"], *rows["pairs"]])
    if not np.abs(points).max() > 20 * margin:
        return
    panel.set_xscale("symlog", linthresh=4 * margin, linscale=1.5)
    low, high = (1.3 * min(points.min(), -2 * margin), 1.3 * max(points.max(), 2 * margin))
    panel.set_xlim(low, high)
    ticks = [sign * tick for sign in (-1, 1) for tick in (1, 5, 20, 80) if low < sign * tick < high]
    panel.set_xticks([0, *ticks], ["0", *(f"{tick:+d}".replace("-", MINUS) for tick in ticks)])
    panel.minorticks_off()
