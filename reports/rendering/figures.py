"""Tables in, figures out: an SVG and what it shows in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from reports.rendering.plot_style import BAND, EDGE, Axis, Drawing, legend, looks, sheet, style, svg, wrapped
from reports.text.formatting import MINUS

DECADES = 30  # a larger factor between a panel's means wants a logarithmic axis
DOTS = 200  # at most so many in a row: more can hardly be told apart, and each takes a line of the file


def curves(table: pd.DataFrame, axes: Sequence[Axis], arms: Sequence[str], faint: Sequence[str], name: str) -> Drawing:
    """table: arm, epoch, metric, mean, half (of the 95 % interval). A panel a metric, a line an arm; `faint` ones are
    alike, behind the others."""
    clear = [arm for arm in arms if arm not in faint]
    with style():
        figure, panels = sheet(len(axes), 2.7)
        for panel, axis in zip(panels, axes, strict=True):
            handles: list[Artist] = []  # the panel's own list leaves out names that begin with '_'
            others: Sequence[Artist] = ()
            for arm in faint:
                line = _line(table, arm, axis)
                others = panel.plot(line["epoch"], line["mean"], color=EDGE, linewidth=0.6, zorder=1.5)
            for arm, (colour, marker, dash) in looks(clear):
                line = _line(table, arm, axis)
                mean, half = line["mean"], line["half"]
                panel.fill_between(line["epoch"], mean - half, mean + half, color=colour, alpha=0.14, linewidth=0)
                handles += panel.plot(line["epoch"], mean, color=colour, linestyle=dash, marker=marker, markersize=3.2)
            panel.set(xlabel="Epoch", ylabel=axis.label)
            panel.margins(x=0.02)
        legend(figure, [*handles, *others], [*clear, *(faint if len(faint) == 1 else ["all others"] * len(others))])
        ends = _ends(table, axes[-1], arms)
        what = " and ".join(axis.label for axis in axes)
        return Drawing(svg(figure, name), f"Learning curves: {what} by epoch. At the last epoch: {ends}.")


def differences(table: pd.DataFrame, axes: Sequence[Axis], arms: Sequence[str], baseline: str, name: str) -> Drawing:
    """table: arm, metric, mean, half, floor, margin, pairs (a tuple), as shown. A panel a metric, a row an arm."""
    with style():
        figure, panels = sheet(len(axes), 1.1 + 0.34 * len(arms), sharey=True)
        for panel, axis in zip(panels, axes, strict=True):
            rows = table[table["metric"] == axis.metric]
            for place, (arm, (colour, marker, _)) in enumerate(looks([baseline, *arms])[1:]):
                for _, row in rows[rows["arm"] == arm].iterrows():
                    _difference(panel, place, row, colour, marker)
            floor = rows["floor"].max()
            if floor > 0:
                panel.axvspan(-floor, floor, color=BAND, linewidth=0, zorder=0)
            panel.axvline(0, color="black", linewidth=0.8, zorder=1)
            panel.set_xlabel(textwrap.fill(axis.label, 44 if len(axes) < 2 else 30))
            panel.grid(axis="y", visible=False)
            _stretch(panel, rows)
        panels[0].set_yticks(range(len(arms)), [wrapped(arm) for arm in arms])
        panels[0].set_ylim(len(arms) - 0.5, -0.5)
        main = table[table["metric"] == axes[0].metric]
        told = "; ".join(f"{row.arm} {row.mean:+.2f} with half-width {row.half:.2f}" for row in main.itertuples())
        alt = f"Paired differences from {baseline}, {axes[0].label}, mean and 95 % interval: {told}."
        return Drawing(svg(figure, name), alt)


def _difference(panel: Axes, place: int, row: pd.Series, colour: str, marker: str) -> None:
    if np.isfinite(row["margin"]):
        panel.vlines([-row["margin"], row["margin"]], place - 0.5, place + 0.5, color=EDGE, linestyle="--", linewidth=1)
    dots = row["pairs"]
    if len(dots) > DOTS:
        dots = np.quantile(dots, np.linspace(0, 1, DOTS), method="nearest")
    panel.scatter(dots, [place + 0.2] * len(dots), s=9, color=colour, alpha=0.45, linewidth=0)
    half = row["half"] if np.isfinite(row["half"]) else 0
    panel.errorbar(row["mean"], place - 0.08, xerr=half, color=colour, marker=marker, markersize=5, capsize=3)


def _stretch(panel: Axes, rows: pd.DataFrame) -> None:
    """One arm that fails altogether would squeeze the others into a line: then the axis is logarithmic further out."""
    margin, points = rows["margin"].max(), np.concatenate([rows["mean"], *rows["pairs"]])
    if not np.abs(points).max() > 20 * margin:
        return
    panel.set_xscale("symlog", linthresh=4 * margin, linscale=1.5)
    low, high = (1.3 * min(points.min(), -2 * margin), 1.3 * max(points.max(), 2 * margin))
    panel.set_xlim(low, high)
    ticks = [sign * tick for sign in (-1, 1) for tick in (1, 5, 20, 80) if low < sign * tick < high]
    panel.set_xticks([0, *ticks], ["0", *(f"{tick:+d}".replace("-", MINUS) for tick in ticks)])
    panel.minorticks_off()


def scatter(table: pd.DataFrame, x: Axis, y: Axis, arms: Sequence[str], name: str) -> Drawing:
    """table: arm, metric, mean, half. One metric against another, a point an arm, with both intervals."""
    with style():
        lines = sum(wrapped(arm).count("\n") + 1 for arm in arms)
        figure, panels = sheet(1, max(3.0, 0.5 + 0.18 * lines))
        panel, told, handles = panels[0], [], dict[str, Any]()
        for arm, (colour, marker, _) in looks(arms):
            at = table[table["arm"] == arm].set_index("metric")
            if not {x.metric, y.metric} <= set(at.index):
                continue
            across, up = at.loc[x.metric], at.loc[y.metric]
            handles[arm] = panel.errorbar(
                across["mean"] * x.factor,
                up["mean"] * y.factor,
                xerr=np.nan_to_num(across["half"] * x.factor),
                yerr=np.nan_to_num(up["half"] * y.factor),
                color=colour,
                marker=marker,
                markersize=6,
                elinewidth=1,
                linestyle="none",
            )
            told.append(f"{arm} {up['mean'] * y.factor:.1f} at {across['mean'] * x.factor:,.0f}")
        panel.set(xlabel=x.label, ylabel=y.label)
        panel.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        panel.margins(0.12)
        figure.legend(list(handles.values()), [wrapped(arm) for arm in handles], loc="outside right upper")
        return Drawing(svg(figure, name), f"{y.label} against {x.label}: {'; '.join(told)}.")


def responses(table: pd.DataFrame, axes: Sequence[Axis], x: Axis, log: bool, name: str) -> Drawing:
    """table: series, x, metric, mean, half. A panel a metric, a line a series, a point an arm."""
    with style():
        figure, panels = sheet(len(axes), 2.7)
        series, told = list(dict.fromkeys(table["series"])), []
        for panel, axis in zip(panels, axes, strict=True):
            handles: list[Any] = []
            for line, (colour, marker, dash) in looks(series):
                rows = table[(table["series"] == line) & (table["metric"] == axis.metric)].sort_values("x")
                mean, half = rows["mean"] * axis.factor, np.nan_to_num(rows["half"] * axis.factor)
                handles += [panel.errorbar(
                    rows["x"], mean, yerr=half, color=colour, marker=marker, linestyle=dash, markersize=5, capsize=2,
                )]  # fmt: skip
                if axis is axes[0]:
                    told += [f"{line} {at:,g}: {value:.1f}" for at, value in zip(rows["x"], mean, strict=True)]
            _place(panel, table[table["metric"] == axis.metric], axis, x, log)
        legend(figure, handles, series)
        return Drawing(svg(figure, name), f"{axes[0].label} by {x.label}: {'; '.join(told)}.")


def _place(panel: Axes, rows: pd.DataFrame, axis: Axis, x: Axis, log: bool) -> None:
    """Axes that suit the numbers: few numbers are each a tick, means that are decades apart lie on a logarithm."""
    panel.set(xlabel=x.label, ylabel=textwrap.fill(axis.label, 32))
    if log:
        panel.set_xscale("log")
    if 0 < DECADES * rows["mean"].min() < rows["mean"].max():
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter("{x:g}")
    at = sorted(set(rows["x"]))
    if len(at) <= 6:
        panel.set_xticks(at, [f"{tick:,g}" for tick in at])
        panel.xaxis.minorticks_off()


def heat(table: pd.DataFrame, label: str, name: str) -> Drawing:
    """table: a row an arm, a column a layer, values in per cent."""
    with style(grid=False):
        figure, panels = sheet(1, 1.0 + 0.3 * len(table))
        shown = table.rename(index=wrapped)
        sns.heatmap(
            shown, ax=panels[0], vmin=0, vmax=100, cmap="Blues", annot=True, fmt=".0f", linewidths=1.5,
            annot_kws={"size": 8}, cbar=False,
        )  # fmt: skip
        panels[0].set(xlabel="Layer", ylabel="")
        panels[0].tick_params(length=0)
        panels[0].tick_params(axis="y", labelrotation=0)
        panels[0].tick_params(axis="x", labelrotation=40 if table.shape[1] > 9 else 0)
        mean = table.mean(axis=1)
        told = "; ".join(f"{arm} {value:.0f}" for arm, value in mean.items())
        return Drawing(svg(figure, name), f"{label}, by layer and arm. Means over the layers: {told}.")


def _line(table: pd.DataFrame, arm: str, axis: Axis) -> pd.DataFrame:
    """epoch, mean and half, as shown."""
    line = table[(table["arm"] == arm) & (table["metric"] == axis.metric)].sort_values("epoch")
    return line.assign(mean=line["mean"] * axis.factor, half=line["half"].fillna(0) * axis.factor)


def _ends(table: pd.DataFrame, axis: Axis, arms: Sequence[str]) -> str:
    shown = table[table["metric"] == axis.metric].sort_values("epoch").groupby("arm")["mean"].last()
    return "; ".join(f"{arm} {shown[arm] * axis.factor:.1f}" for arm in arms if arm in shown)
