"""Line plots: learning curves, and metrics against a number or another metric."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from reports.rendering.plot_style import EDGE, Axis, Drawing, add_legend, join_rows, line_styles, open_panels
from reports.rendering.svg import export_svg, set_data
from reports.text.formatting import format_mean_interval, format_power

LOG_RATIO = 30  # a panel whose means span a larger factor has a logarithmic axis


def draw_curves(
    table: pd.DataFrame, axes: Sequence[Axis], arms: Sequence[str], faint_arms: Sequence[str], name: str
) -> Drawing:
    """Draw learning curves: one panel per metric, one line per arm.

    Args:
        table: Columns arm, epoch, metric, mean, half (half-width of the 95 % interval) and size (number of
            seeds), as stored.
        axes: The metrics, one per panel.
        arms: All arms, the baseline first.
        faint_arms: Arms drawn in the background, in grey and without intervals.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the last metric's values at the last epoch in words.
    """
    clear_arms = [arm for arm in arms if arm not in faint_arms]
    with open_panels(len(axes), 1.9) as (figure, panels):
        for panel, axis in zip(panels, axes, strict=True):
            handles: list[Artist] = []  # the panel's own list leaves out names that begin with '_'
            faint_handles: Sequence[Artist] = ()
            for arm in faint_arms:
                line = _select_line(table, arm, axis)
                faint_handles = panel.plot(line["epoch"], line["mean"], color=EDGE, linewidth=0.6, zorder=1.5)
                set_data(faint_handles[0], arm=len(clear_arms))
            for place, (arm, (colour, marker, dashes)) in enumerate(line_styles(clear_arms)):
                line = _select_line(table, arm, axis)
                mean, half = line["mean"], line["half"]
                band = panel.fill_between(
                    line["epoch"], mean - half, mean + half, color=colour, alpha=0.14, linewidth=0
                )
                set_data(band, arm=place)
                handles += panel.plot(
                    line["epoch"], mean, color=colour, linestyle=dashes, marker=marker, markersize=3.2
                )
                set_data(handles[-1], arm=place, **_tooltip_data(line, line["epoch"], axis.label, "Epoch"))
            panel.set(xlabel="Epoch", ylabel=axis.label)
            panel.locator_params("x", integer=True)
            panel.margins(x=0.02)
        faint_label = faint_arms if len(faint_arms) == 1 else ["all others"] * len(faint_handles)
        add_legend(figure, [*handles, *faint_handles], [*clear_arms, *faint_label])
        labels = " and ".join(axis.label for axis in axes)
        ends = _describe_ends(table, axes[-1], arms)
        return Drawing(export_svg(figure, name), f"Learning curves: {labels} by epoch. At the last epoch: {ends}.")


def draw_responses(table: pd.DataFrame, axes: Sequence[Axis], x: Axis, log: bool, name: str) -> Drawing:
    """Draw metrics against a number or another metric: one panel per metric, one line per series, one point per arm.

    Args:
        table: Columns series, x, metric, mean, half (half-width of the 95 % interval) and size (number of
            seeds), as stored.
        axes: The metrics, one per panel.
        x: The number or metric on the horizontal axis.
        log: Whether the horizontal axis is logarithmic.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the first metric's means in words.
    """
    with open_panels(len(axes), 2.0) as (figure, panels):
        series, descriptions = list(dict.fromkeys(table["series"])), []
        for panel, axis in zip(panels, axes, strict=True):
            handles: list[Any] = []
            for place, (line, (colour, marker, dashes)) in enumerate(line_styles(series)):
                rows = table[(table["series"] == line) & (table["metric"] == axis.metric)].sort_values("x")
                rows = rows.assign(mean=rows["mean"] * axis.factor, half=np.nan_to_num(rows["half"] * axis.factor))
                bars = panel.errorbar(
                    rows["x"], rows["mean"], rows["half"], color=colour, marker=marker, linestyle=dashes,
                    markersize=5, capsize=2,
                )  # fmt: skip
                for artist in bars.get_children():
                    set_data(artist, arm=place)
                set_data(bars.lines[0], arm=place, **_tooltip_data(rows, rows["x"], axis.label, x.label))
                handles += [bars]
                if axis is axes[0]:
                    descriptions += [f"{line} {row.x:,g}: {row.mean:.1f}" for row in rows.itertuples()]
            _scale_axes(panel, table[table["metric"] == axis.metric], axis, x, log)
        add_legend(figure, handles, series)
        return Drawing(export_svg(figure, name), f"{axes[0].label} by {x.label}: {'; '.join(descriptions)}.")


def _tooltip_data(means: pd.DataFrame, places: pd.Series, label: str, place_label: str) -> dict[str, str]:
    """Return the tooltips' data of each mean: its place, its interval, the number of seeds.

    Args:
        means: Columns mean, half and size, as shown.
        places: The horizontal position of each.
        label: The axis label of the means.
        place_label: That of the positions.
    """
    rows = [
        (f"{place:,g}", format_mean_interval(mean, (mean - half, mean + half)), size)
        for place, mean, half, size in zip(places, means["mean"], means["half"], means["size"], strict=True)
    ]
    return {"text": f"{{*}}\n{label}: {{1}}\n{place_label}: {{0}}; seeds: {{2}}", "rows": join_rows(rows)}


def _scale_axes(panel: Axes, rows: pd.DataFrame, axis: Axis, x: Axis, log: bool) -> None:
    """Label and scale the axes: up to six round numbers each get a tick, means decades apart a logarithmic axis."""
    panel.set(xlabel=x.label, ylabel=textwrap.fill(axis.label, 24))
    if log:
        panel.set_xscale("log")
    if 0 < LOG_RATIO * rows["mean"].min() < rows["mean"].max():
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(lambda value, _: format_power(value))
    numbers = sorted(set(rows["x"]))
    if len(numbers) <= 6 and all(float(f"{number:.3g}") == number for number in numbers):
        panel.set_xticks(numbers, [f"{tick:,g}" for tick in numbers])
        panel.xaxis.minorticks_off()


def _select_line(table: pd.DataFrame, arm: str, axis: Axis) -> pd.DataFrame:
    """Columns epoch, mean and half of one arm and metric, as shown."""
    line = table[(table["arm"] == arm) & (table["metric"] == axis.metric)].sort_values("epoch")
    return line.assign(mean=line["mean"] * axis.factor, half=line["half"].fillna(0) * axis.factor)


def _describe_ends(table: pd.DataFrame, axis: Axis, arms: Sequence[str]) -> str:
    last_means = table[table["metric"] == axis.metric].sort_values("epoch").groupby("arm")["mean"].last()
    return "; ".join(f"{arm} {last_means[arm] * axis.factor:.1f}" for arm in arms if arm in last_means)
