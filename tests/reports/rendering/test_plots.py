"""Figures drawn from tables."""

from __future__ import annotations

import re
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from reports.rendering import difference_plot
from reports.rendering.difference_plot import DIFFERENCE_COLUMNS, MAX_DOTS, draw_differences
from reports.rendering.heatmap import draw_heatmap
from reports.rendering.line_plots import draw_curves, draw_responses
from reports.rendering.plot_style import Axis, line_styles, wrap_name, wrap_text

ARMS = ["baseline", *(f"an arm with a rather long name, number {number} $x_{number}$" for number in range(8))]
USER_STYLE = {
    "axes.prop_cycle": mpl.cycler(color=["red"]),
    "figure.dpi": 30,
    "font.family": "serif",
    "lines.linewidth": 9,
    "savefig.facecolor": "red",
    "svg.fonttype": "path",
    "text.usetex": True,
}
CURVE_COLUMNS = ["arm", "epoch", "metric", "mean", "half", "size"]
RESPONSE_COLUMNS = ["series", "x", *CURVE_COLUMNS[2:]]
PAIR_NAMES = ("a 0", "b 0"), ("a 1", "b 1")
AXES = (Axis("a", "Accuracy, %", 100), Axis("b", "Images per second"))


@cache
def curves():
    rows = [(a, e, m, 0.1 * e, np.nan if e else 0.1, 3) for a in ARMS for e in range(4) for m in "ab"]
    return draw_curves(pd.DataFrame(rows, columns=CURVE_COLUMNS), AXES, ARMS, ARMS[6:], "one")


@cache
def differences():
    rows = [
        (a, m, -n * 10.0, -n * 10 - 0.4, 0.4 - n * 10, 0.3, 0.5, (-n * 10 - 0.1, 0.1 - n * 10), PAIR_NAMES)
        for n, a in enumerate(ARMS[1:])
        for m in "ab"
    ]
    table = pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    return draw_differences(table, AXES, ARMS[1:], "baseline", "two")


@cache
def scatter():
    rows = [(a, n, "a", 0.5, np.nan, 3) for n, a in enumerate(ARMS)]
    table = pd.DataFrame(rows, columns=RESPONSE_COLUMNS)
    return draw_responses(table, AXES[:1], AXES[1], False, "three")


@cache
def responses():
    rows = [(a, x, m, 10.0**-x, np.nan if x else 0.1, 3) for a in ARMS for x in range(4) for m in "ab"]
    table = pd.DataFrame(rows, columns=RESPONSE_COLUMNS)
    return draw_responses(table, AXES, Axis("x", "Layers"), False, "nine")


@cache
def heat():
    table = pd.DataFrame({f"conv{n}": np.linspace(0, 100, len(ARMS)) for n in range(12)}, index=ARMS)
    return draw_heatmap(table, "Exact zeros, %", "four")


DRAWINGS = {curves, differences, scatter, heat, responses}


@pytest.mark.parametrize("draw", [curves, differences, scatter, heat, responses])
class TestEveryFigure:
    def test_gives_the_same_bytes_twice_whatever_style_a_user_has_set(self, draw):
        first = draw()
        with mpl.rc_context(USER_STYLE):
            assert draw.__wrapped__() == first

    def test_is_vectors_and_text_alone(self, draw):
        assert not re.search(r"<image|<metadata|<!--|<g>", draw().svg)

    def test_tells_in_words_every_arm_that_it_shows(self, draw):
        assert all(arm in draw().alt for arm in ARMS[1:])

    def test_has_ids_that_no_other_figure_has(self, draw):
        ids, *other_ids = (set(re.findall(r' id="([^"]+)"', other().svg)) for other in (draw, *(DRAWINGS - {draw})))
        assert ids and ids.isdisjoint(set.union(*other_ids))
        assert all(re.fullmatch(r"f[0-9a-f]{8}-\d+", svg_id) for svg_id in ids)


@pytest.mark.parametrize("draw", [curves, differences, scatter, responses])
def test_every_point_has_what_the_page_tells_of_it(draw):
    svg = draw().svg
    rows = [len(found.split(";")) for found in re.findall(r' data-rows="([^"]*)"', svg)]
    points = [found.count("<use ") for found in re.findall(r"<g [^>]*data-rows=[^>]*>(.*?)</g></g>", svg)]
    assert points == rows and points


def test_many_pairs_have_a_limited_number_of_dots_and_an_axis_over_all_of_them():
    def drawn(pairs):
        row = ("arm", "a", 0.0, -0.4, 0.4, 0.3, 0.5, tuple(pairs), ((),) * len(pairs))
        table = pd.DataFrame([row], columns=DIFFERENCE_COLUMNS)
        svg = draw_differences(table, AXES[:1], ["arm"], "baseline", "five").svg
        return svg.replace(f"|{len(pairs)}", "|all")  # the number of pairs is told, too

    few_values, many_values = (np.linspace(-3, 3, number) for number in (MAX_DOTS, 20 * MAX_DOTS - 19))
    assert drawn(many_values) == drawn(few_values)


@pytest.fixture
def legends(monkeypatch):
    """The handles and labels of every legend that is drawn."""
    drawn, draw = [], Figure.legend
    monkeypatch.setattr(
        Figure, "legend", lambda *arguments, **placed: drawn.append(arguments[1:]) or draw(*arguments, **placed)
    )
    return drawn


def test_every_arm_is_in_the_legend_whatever_its_name(legends):
    names = ["_hidden", "", "a" * 200, "$x$"]
    rows = [(arm, epoch, metric, 0.1, 0.1, 3) for arm in names for epoch in (0, 1) for metric in "ab"]
    table = pd.DataFrame(rows, columns=CURVE_COLUMNS)
    draw_curves(table, AXES, names, [], "six")
    draw_responses(table.rename(columns={"arm": "series", "epoch": "x"}), AXES, Axis("x", "Layers"), False, "seven")
    assert [labels for _, labels in legends] == [
        ["_hidden", "", f"{'a' * 26}\n{'a' * 26}\n\N{HORIZONTAL ELLIPSIS}", "$x$"]
    ] * 2


def test_a_name_that_looks_like_an_attribute_is_drawn_as_it_is():
    name = ' id="x" url(#y) 0.12345'
    rows = [(name, epoch, "a", 0.1, 0.1, 3) for epoch in (0, 1)]
    svg = BeautifulSoup(
        draw_curves(pd.DataFrame(rows, columns=CURVE_COLUMNS), AXES[:1], [name], [], "ten").svg, "html.parser"
    )
    assert name.strip() in [text.get_text() for text in svg.find_all("text")]
    assert svg.find(attrs={"data-names": True})["data-names"] == name


def test_arms_beyond_the_distinguishable_ones_share_one_legend_entry(legends):
    curves.__wrapped__()
    ((handles, labels),) = legends
    assert len({handle.get_color() for handle in handles}) == 7
    assert len(handles) == len(labels) == 7
    assert labels == [*map(wrap_name, ARMS[:6]), "all others"]
    legends.clear()
    rows = [(arm, epoch, axis.metric, 0.1, 0.1, 3) for arm in "abc" for epoch in (0, 1) for axis in AXES]
    table = pd.DataFrame(rows, columns=CURVE_COLUMNS)
    draw_curves(table, AXES, list("abc"), ["b"], "six")
    assert legends[0][1] == ["a", "c", "b"]


def test_a_character_that_the_typeface_lacks_raises_no_warning():
    table = pd.DataFrame({"conv1": [0.0]}, index=["\N{FIRE}"])
    assert "\N{FIRE}" in draw_heatmap(table, "Exact zeros, %", "eight").alt


def test_the_first_nine_arms_look_different_without_colour_and_without_shape():
    colours, markers, _ = zip(*(style for _, style in line_styles(ARMS)), strict=True)
    assert len(set(colours)) == len(set(markers)) == len(ARMS) == 9


def test_ratios_lie_on_a_logarithmic_axis_around_one(monkeypatch):
    panels, scale = [], difference_plot._scale_ratios
    monkeypatch.setattr(difference_plot, "_scale_ratios", lambda panel: panels.append(panel) or scale(panel))
    row = ("arm", "a", 2.0, 1.5, 2.7, 1.1, 1.5, (1.6, 2.4), PAIR_NAMES)
    table = pd.DataFrame([row], columns=DIFFERENCE_COLUMNS)
    drawing = draw_differences(table, [Axis("a", "Ratio of steps", is_ratio=True)], ["arm"], "baseline", "six")
    assert drawing.alt == "Paired ratios to baseline, Ratio of steps, mean and 95 % interval: arm 2.00 [1.50, 2.70]."
    (panel,) = panels
    assert panel.get_xscale() == "log"
    zero_line = next(line for line in panel.lines if list(line.get_xdata()) == [1, 1])
    assert zero_line.get_color() == "black"
    band, *_ = panel.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((1 / 1.1, 1.1))


def test_a_line_of_letters_of_double_width_has_half_as_many():
    assert wrap_text("x" * 40, 40, 2) == "x" * 40
    assert max(map(len, wrap_text("\u5b8c" * 40, 40, 2).split("\n"))) == 20


def test_a_mean_without_an_interval_stands_alone_in_the_words():
    row = ("arm", "a", 0.5, np.nan, np.nan, np.nan, np.nan, (0.5,), (("one", "other"),))
    table = pd.DataFrame([row], columns=DIFFERENCE_COLUMNS)
    alt = draw_differences(table, AXES[:1], ["arm"], "baseline", "seven").alt
    assert alt == "Paired differences from baseline, Accuracy, %, mean and 95 % interval: arm +0.50."
