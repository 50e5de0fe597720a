"""Style shared by all figures."""

import itertools
import textwrap
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import seaborn as sns
from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.metrics.table import describe_metric
from bench.system.text import printable, printable_lines
from reports.rendering.svg import set_data
from reports.text.formatting import column_heading

WIDTH_IN = 6.9  # the text width of an A4 page
COLOURS = ["#1b1b1b", *(sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2, 1, 4, 5, 9, 6, 7))]
MARKERS = "osD^vPXp<"
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
BAND, EDGE = "#d9dee8", "#8a94a6"  # EDGE is also that of the axes, in STYLE_FILE
STYLE_FILE = Path(__file__).parent / "templates" / "figures.mplstyle"


class VerdictStyle(NamedTuple):
    """Symbol of a verdict, colours of its letters and of the badge behind them, marker of its estimate or ''."""

    symbol: str
    ink: str
    paper: str
    marker: str


VERDICT_STYLES = {
    "supported": VerdictStyle("\N{CHECK MARK}", "#14602f", "#dcf1e1", "o"),
    "refuted": VerdictStyle("\N{BALLOT X}", "#94201b", "#fbe0dd", "X"),
    "negligible": VerdictStyle("=", "#174f86", "#dcebf8", "s"),
    "underpowered": VerdictStyle("\N{HORIZONTAL ELLIPSIS}", "#7a4a00", "#fbebcb", "D"),
    "inconclusive": VerdictStyle("?", "#4b515b", "#e8eaed", "D"),
    "not testable here": VerdictStyle("\N{EMPTY SET}", "#5b3590", "#ece3f7", ""),
    "not run": VerdictStyle("\N{EN DASH}", "#4b515b", "#e8eaed", ""),
}


class Drawing(NamedTuple):
    """A figure's SVG and its description in words."""

    svg: str
    alt: str


class Axis(NamedTuple):
    """A quantity on an axis: its name or metric, its label with the unit, factor from stored to shown, and scale."""

    metric: str
    label: str
    factor: float = 1.0
    is_ratio: bool = False

    @property
    def neutral(self) -> int:
        """The value that shows no effect."""
        return int(self.is_ratio)


class LineStyle(NamedTuple):
    """Colour, marker and dashes of an arm, in matplotlib's notation."""

    colour: str
    marker: str
    dashes: object


def metric_axis(metric: str) -> Axis:
    """Axis of a metric, with the label and unit of `reports.text.formatting`."""
    label, shown_unit = column_heading(metric)
    return Axis(metric, f"{label}, {shown_unit}" if shown_unit else label, describe_metric(metric).factor)


@contextmanager
def open_panels(
    count: int, height_in: float, sharey: bool = False, grid: bool = True
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Open a figure of panels side by side; the report's style holds while the context is open.

    Args:
        count: Number of panels.
        height_in: Height of the figure in inches, without the legend.
        sharey: Whether the panels share their vertical axis.
        grid: Whether the panels have grid lines.

    Yields:
        The figure, and its panels from left to right.
    """
    # From the defaults: a user's matplotlibrc or study must not change a figure
    with style.context([STYLE_FILE, {"axes.grid": grid}], after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)  # it is drawn as a box
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        panels = list(figure.subplots(1, count, squeeze=False, sharey=sharey)[0])
        for panel in panels:
            panel.patch.set_visible(False)  # the figure's own background suffices
        yield figure, panels


def line_styles(arms: Iterable[str]) -> list[tuple[str, LineStyle]]:
    """Pair each arm with its line style; the first arm, the baseline, is black."""
    styles = map(LineStyle._make, zip(*map(itertools.cycle, (COLOURS, MARKERS, DASHES)), strict=False))
    return list(zip(arms, styles, strict=False))


def wrap_name(arm: str) -> str:
    """Break an arm's name into at most three lines of 26 characters."""
    return wrap_text(arm, 26, 3)


def wrap_text(text: str, width: int, max_lines: int) -> str:
    """Break a text into at most this number of lines of this number of characters; longer ones are cut.

    A line of a text with Chinese, Japanese or Korean letters, which are twice as wide, has half as many.
    """
    if any(unicodedata.east_asian_width(letter) in "WF" for letter in text):
        width //= 2
    return textwrap.fill(printable_lines(text), width, max_lines=max_lines, placeholder="\N{HORIZONTAL ELLIPSIS}")


def set_names(figure: Figure, names: Sequence[str]) -> None:
    """Give the figure the names that its artists refer to by their places: `arm=2` refers to the third."""
    set_data(figure, names="\n".join(map(printable, names)))


def join_rows(rows: Iterable[Sequence[object]]) -> str:
    """Join the tooltips' data of points: rows by semicolons, cells by bars."""
    return ";".join("|".join(map(str, row)) for row in rows)


def add_legend(figure: Figure, handles: Sequence[Artist], arms: Sequence[str]) -> None:
    """Add a legend below the panels, and make the figure higher by it.

    Args:
        figure: The figure.
        handles: One artist per entry.
        arms: One name per entry.
    """
    set_names(figure, arms)
    labels = [wrap_name(arm) for arm in arms]
    widest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, min(len(arms), int(WIDTH_IN / (0.6 + 0.075 * widest))))
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    for place, text in enumerate(legend.get_texts()):
        set_data(text, legend=place)
    figure.set_figheight(figure.get_figheight() + legend.get_window_extent().height / figure.dpi)
