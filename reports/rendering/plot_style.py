"""How every figure looks, and the SVG that it becomes: the same figure gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.rendering.blocks import visible
from reports.text.formatting import heading, unit

WIDTH = 6.9  # inches: the text width of an A4 page
COLOURS = ["#1b1b1b", *(sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2, 1, 4, 5, 9, 6, 7))]
MARKERS = "osD^vPXp<"
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))
BAND, EDGE, FAINT = "#d9dee8", "#8a94a6", "#e3e6eb"
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": EDGE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "path",
    "text.parse_math": False,
    "xtick.color": EDGE,
    "xtick.labelcolor": "black",
    "xtick.labelsize": 8,
    "ytick.color": EDGE,
    "ytick.labelcolor": "black",
    "ytick.labelsize": 8,
}


class Drawing(NamedTuple):
    svg: str
    alt: str


class Axis(NamedTuple):
    """A metric as an axis shows it: its column or name, its label with the unit, what its values are multiplied by."""

    metric: str
    label: str
    factor: float = 1.0


def axis(metric: str) -> Axis:
    label, shown = heading(metric)
    return Axis(metric, f"{label}, {shown}" if shown else label, unit(metric).factor)


@contextmanager
def style(grid: bool = True) -> Iterator[None]:
    with mpl.rc_context({**STYLE, "axes.grid": grid}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)  # it is drawn as a box
        yield


def sheet(count: int, height: float, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False, sharey=sharey)[0])


def looks(arms: Iterable[str]) -> list[tuple[str, tuple[str, str, object]]]:
    """Each arm's colour, marker and dashes; the first, the baseline, is black."""
    return list(zip(arms, zip(*map(itertools.cycle, (COLOURS, MARKERS, DASHES)), strict=False), strict=False))


def wrapped(arm: str) -> str:
    return textwrap.fill(visible(arm), 26, max_lines=3, placeholder="\N{HORIZONTAL ELLIPSIS}")


def legend(figure: Figure, handles: Sequence[Artist], arms: Sequence[str]) -> None:
    """Below the panels, and the figure grows by it."""
    labels = [wrapped(arm) for arm in arms]
    widest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, min(len(arms), int(WIDTH / (0.6 + 0.075 * widest))))
    lines = -(-len(arms) // columns) + sum(label.count("\n") for label in labels) / columns
    figure.set_figheight(figure.get_figheight() + 0.17 * lines)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element that can stand beside others in one page: its ids begin with its key.

    Comments go: they hold every text again, arms' names among them. So does what nobody sees, a third of the file:
    indentation, and decimals beyond the hundredth of a point.
    """
    file, own = io.StringIO(), key(name)
    with mpl.rc_context({"svg.hashsalt": own}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"scale\([^)]*\)|\b\d+\.\d{3,}", _rounded, re.sub(r"\n\s+", "\n", text))
    used = {name: f"{own}-{n}" for n, name in enumerate(dict.fromkeys(re.findall(r'(?:url\(|href=")#([^")]+)', text)))}
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{used[m[1]]}"' if m[1] in used else "", text)
    return re.sub(r'(url\(|href=")#([^")]+)', lambda m: f"{m[1]}#{used[m[2]]}", text)


def _rounded(found: re.Match[str]) -> str:
    """A coordinate; a scale stays as it is, since lettering would be distorted."""
    return found[0] if found[0].startswith("scale") else f"{float(found[0]):.2f}"


def key(name: str) -> str:
    """What a figure's ids begin with: a name may hold anything, and ids stand in markup."""
    return f"f{hashlib.sha256(name.encode()).hexdigest()[:8]}"
