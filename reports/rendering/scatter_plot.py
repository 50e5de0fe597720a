"""One metric against another."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from reports.rendering.plot_style import Axis, Drawing, export_svg, line_styles, open_panels, wrap_name


def draw_scatter(table: pd.DataFrame, x: Axis, y: Axis, arms: Sequence[str], name: str) -> Drawing:
    """Draw one metric against another: a point an arm, with both 95 % intervals.

    Args:
        table: Columns arm, metric, mean and half (half-width of the 95 % interval), as stored.
        x: The metric across.
        y: The metric upwards.
        arms: The arms, the baseline first; those that lack a metric are left out.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the arms' means in words.
    """
    lines = sum(wrap_name(arm).count("\n") + 1 for arm in arms)
    with open_panels(1, max(3.0, 0.5 + 0.18 * lines)) as (figure, panels):
        panel, descriptions, handles = panels[0], [], dict[str, Any]()
        for arm, (colour, marker, _) in line_styles(arms):
            rows = table[table["arm"] == arm].set_index("metric")[["mean", "half"]]
            if not {x.metric, y.metric} <= set(rows.index):
                continue
            (x_mean, x_half), (y_mean, y_half) = (rows.loc[axis.metric].to_numpy() * axis.factor for axis in (x, y))
            handles[arm] = panel.errorbar(
                x_mean, y_mean, xerr=np.nan_to_num(x_half), yerr=np.nan_to_num(y_half), color=colour, marker=marker,
                markersize=6, elinewidth=1, linestyle="none",
            )  # fmt: skip
            descriptions.append(f"{arm} {y_mean:.1f} at {x_mean:,.0f}")
        panel.set(xlabel=x.label, ylabel=y.label)
        panel.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        panel.margins(0.12)
        figure.legend(list(handles.values()), [wrap_name(arm) for arm in handles], loc="outside right upper")
        return Drawing(export_svg(figure, name), f"{y.label} against {x.label}: {'; '.join(descriptions)}.")
