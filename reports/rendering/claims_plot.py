"""All claims in one figure: estimates in units of their margins, beside sentences, verdicts and numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from bench.system.text import printable_lines
from reports.rendering.plot_style import BAND, VERDICT_STYLES, Drawing, open_panels, wrap_text
from reports.rendering.svg import export_svg
from reports.statistics.extra_seeds import UNDECIDED
from reports.statistics.paired_tests import Interval
from reports.text.formatting import MINUS

ROW_IN, FRAME_IN = 0.2, 0.55  # height of a claim's row, and of the axis with its label
SENTENCE_LETTERS, RESULT_LETTERS = 54, 52  # in a line
FONT_PT = 6.1
LIMIT = 300.0  # margins; an estimate or a bound beyond it is an arrow at the edge
TICKS = (1, 10, 100)
GAP = 4 * "\N{NO-BREAK SPACE}"  # browsers collapse spaces


class ClaimRow(NamedTuple):
    """A claim's row.

    Attributes:
        name: The claim's id.
        sentence: The claim.
        verdict: Its verdict.
        result: The numbers that decided, as text.
        position: Estimate in margins, above zero in the claimed direction; None where there is no difference to draw.
        interval: Its 95 % interval, likewise.
    """

    name: str
    sentence: str
    verdict: str
    result: str
    position: float | None = None
    interval: Interval | None = None


def draw_claims(rows: Sequence[ClaimRow], name: str) -> Drawing:
    """Draw one row per claim, from top to bottom: sentence, estimate with interval, verdict with numbers.

    Args:
        rows: The claims.
        name: Unique name of the figure, for the ids in the SVG.

    Returns:
        The SVG, and the verdicts in words.
    """
    with open_panels(1, FRAME_IN + ROW_IN * len(rows)) as (figure, (panel,)):
        for place, row in enumerate(rows):
            _draw_row(panel, place, row)
        panel.axvspan(-1, 1, color=BAND, linewidth=0, zorder=0)
        panel.axvline(0, color="black", linewidth=0.8, zorder=1)
        _scale(panel)
        sentences = [wrap_text(row.sentence, SENTENCE_LETTERS, 2) for row in rows]
        panel.set_yticks(range(len(rows)), sentences, fontsize=FONT_PT)
        results = panel.twinx()
        results.grid(visible=False)
        for axes in (panel, results):
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.spines[:].set_visible(False)
        panel.spines["bottom"].set_visible(True)
        verdicts = [f"{VERDICT_STYLES[row.verdict].symbol} {row.verdict}: {row.name}" for row in rows]
        labels = [
            f"{wrap_text(verdict, RESULT_LETTERS, 1)}\n{wrap_text(row.result, RESULT_LETTERS, 1)}"
            for verdict, row in zip(verdicts, rows, strict=True)
        ]
        results.set_yticks(range(len(rows)), labels, fontsize=FONT_PT)
        for sentence in panel.get_yticklabels():
            sentence.set_multialignment("right")
        for place, (label, row) in enumerate(zip(results.get_yticklabels(), rows, strict=True)):
            label.set_color(VERDICT_STYLES[row.verdict].ink)
            label.set_url(f"claim:{place}:{printable_lines(row.name)}")  # the page makes it a link to the claim's card
        words = "; ".join(f"{row.sentence} ({row.name}): {row.verdict}, {row.result}" for row in rows)
        return Drawing(export_svg(figure, name), f"Claims with verdict and estimate. {words}.")


def _draw_row(panel: Axes, place: int, row: ClaimRow) -> None:
    """Draw the estimate, hollow where it is undecided, and its interval; arrows where they leave the axis."""
    _, colour, _, marker = VERDICT_STYLES[row.verdict]
    if row.position is None or not marker:
        return
    if row.interval is not None:
        low, high = (max(-LIMIT, min(LIMIT, bound)) for bound in row.interval)
        panel.plot([low, high], [place, place], color=colour, linewidth=1.4, zorder=2)
        if low == -LIMIT:
            panel.plot(low, place, "<", color=colour, markersize=4, clip_on=False)
        if high == LIMIT:
            panel.plot(high, place, ">", color=colour, markersize=4, clip_on=False)
    position = max(-LIMIT, min(LIMIT, row.position))
    if position != row.position:
        marker = "<" if position < 0 else ">"
    face = "white" if row.verdict in UNDECIDED else colour
    panel.plot(position, place, marker, color=colour, markerfacecolor=face, markersize=5, zorder=3, clip_on=False)


def _scale(panel: Axes) -> None:
    panel.set_xscale("symlog", linthresh=2, linscale=1.2)
    panel.set_xlim(-LIMIT, LIMIT)
    ticks = [*(-tick for tick in reversed(TICKS)), 0, *TICKS]
    panel.set_xticks(ticks, [f"{tick}".replace("-", MINUS) for tick in ticks], fontsize=7)
    panel.minorticks_off()
    panel.grid(axis="y", visible=False)
    panel.set_xlabel(
        GAP.join(("\N{LEFTWARDS ARROW} against the claim", "margins", "as claimed \N{RIGHTWARDS ARROW}")), fontsize=7.5
    )


def in_margins(value: float, margin: float, is_ratio: bool, is_reversed: bool) -> float:
    """Return a difference, or the logarithm of a ratio, in margins, above zero in the claimed direction.

    Raises:
        ValueError: A ratio is not above zero.
    """
    scaled = math.log(value) / math.log(margin) if is_ratio else value / margin
    return -scaled if is_reversed else scaled
