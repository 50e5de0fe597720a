"""Heat map of a metric by arm and layer."""

import pandas as pd
import seaborn as sns

from bench.system.text import printable_lines
from reports.rendering.plot_style import Drawing, open_panels, wrap_name
from reports.rendering.svg import export_svg

MAX_FLAT_NAME = 6  # characters of a layer's name, above which names stand upright
MAX_NAME = 33  # characters of it that are shown
NAME_HEIGHT = 0.06  # inches a character
MAX_LARGE, MAX_NUMBERS = 18, 28  # layers whose fields have room for a large number, and for any


def draw_heatmap(table: pd.DataFrame, label: str, name: str) -> Drawing:
    """Draw a heat map of percentages.

    Args:
        table: One row per arm, one column per layer, values in per cent.
        label: Name of the values, with the unit.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and each arm's mean over layers in words.
    """
    layers = [_shorten_path(printable_lines(layer)) for layer in table.columns]
    count, longest_name = len(layers), max(map(len, layers))
    is_upright, has_numbers = longest_name > MAX_FLAT_NAME, count <= MAX_NUMBERS
    height = 1.0 + 0.3 * len(table) + NAME_HEIGHT * longest_name * is_upright
    named = table.rename(index=wrap_name).set_axis(layers, axis="columns")
    style = {"size": 8 if count <= MAX_LARGE else 7}
    with open_panels(1, height, grid=False) as (figure, panels):
        sns.heatmap(
            named, ax=panels[0], vmin=0, vmax=100, cmap="Blues", annot=has_numbers, fmt=".0f", annot_kws=style,
            linewidths=1.5 if has_numbers else 0.5, cbar=not has_numbers, cbar_kws={"label": label},
        )  # fmt: skip
        panels[0].set(xlabel="Layer", ylabel="")
        panels[0].tick_params(length=0)
        panels[0].tick_params(axis="y", labelrotation=0)
        panels[0].tick_params(axis="x", labelrotation=90 if is_upright else 40 if count > 9 else 0)
        means = "; ".join(f"{arm} {value:.0f}" for arm, value in table.mean(axis=1).items())
        return Drawing(export_svg(figure, name), f"{label}, by layer and arm. Means over the layers: {means}.")


def _shorten_path(layer: str) -> str:
    """Cut a long name in the middle: blocks differ in its beginning, and layers of one block in its end."""
    half = MAX_NAME // 2
    return layer if len(layer) <= MAX_NAME else f"{layer[:half]}\N{HORIZONTAL ELLIPSIS}{layer[-half:]}"
