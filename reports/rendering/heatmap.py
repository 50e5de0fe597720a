"""Heat map of a metric by arm and layer."""

import pandas as pd
import seaborn as sns

from reports.rendering.plot_style import Drawing, open_panels, wrap_name
from reports.rendering.svg import export_svg

MAX_FLAT_NAME = 6  # characters of a layer's name, above which names stand upright
NAME_HEIGHT = 0.06  # inches a character
MAX_NUMBERS = 24  # layers whose values are legible in their fields


def draw_heatmap(table: pd.DataFrame, label: str, name: str) -> Drawing:
    """Draw a heat map of percentages.

    Args:
        table: One row per arm, one column per layer, values in per cent.
        label: Name of the values, with the unit.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and each arm's mean over layers in words.
    """
    longest_name, layers = max(map(len, table.columns)), table.shape[1]
    is_upright = longest_name > MAX_FLAT_NAME
    height = 1.0 + 0.3 * len(table) + NAME_HEIGHT * longest_name * is_upright
    with open_panels(1, height, grid=False) as (figure, panels):
        sns.heatmap(
            table.rename(index=wrap_name), ax=panels[0], vmin=0, vmax=100, cmap="Blues",
            annot=layers <= MAX_NUMBERS, fmt=".0f", linewidths=1.5, annot_kws={"size": 8}, cbar=False,
        )  # fmt: skip
        panels[0].set(xlabel="Layer", ylabel="")
        panels[0].tick_params(length=0)
        panels[0].tick_params(axis="y", labelrotation=0)
        panels[0].tick_params(axis="x", labelrotation=90 if is_upright else 40 if layers > 9 else 0)
        means = "; ".join(f"{arm} {value:.0f}" for arm, value in table.mean(axis=1).items())
        return Drawing(export_svg(figure, name), f"{label}, by layer and arm. Means over the layers: {means}.")
