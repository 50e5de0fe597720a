"""Tables to figures."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from reports import figures
from reports.figures import Axis

ARMS = ["baseline", *(f"an arm with a rather long name, number {number} $x_{number}$" for number in range(8))]
AXES = (Axis("a", "Accuracy, %", 100), Axis("b", "Images a second"))


@cache
def curves():
    rows = [(a, e, m, 0.1 * e, np.nan if e else 0.1) for a in ARMS for e in range(4) for m in "ab"]
    return figures.curves(pd.DataFrame(rows, columns=["arm", "epoch", "metric", "mean", "half"]), AXES, ARMS, "one")


@cache
def differences():
    rows = [
        (a, m, -n * 10.0, 0.4, 0.3, 0.5, (-n * 10 - 0.1, 0.1 - n * 10)) for n, a in enumerate(ARMS[1:]) for m in "ab"
    ]
    table = pd.DataFrame(rows, columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])
    return figures.differences(table, AXES, ARMS[1:], "baseline", "two")


@cache
def scatter():
    table = pd.DataFrame([(a, m, 0.5, np.nan) for a in ARMS for m in "ab"], columns=["arm", "metric", "mean", "half"])
    return figures.scatter(table, AXES[1], AXES[0], ARMS, "three")


@cache
def heat():
    table = pd.DataFrame({f"conv{n}": np.linspace(0, 100, len(ARMS)) for n in range(12)}, index=ARMS)
    return figures.heat(table, "Exact zeros, %", "four")


@pytest.mark.parametrize("draw", [curves, differences, scatter, heat])
class TestEveryFigure:
    def test_gives_the_same_bytes_twice(self, draw):
        assert draw() == draw.__wrapped__()

    def test_is_vectors_alone_with_its_text_as_paths(self, draw):
        assert not re.search(r"<image|<text|<metadata|<!--\s*Created", draw().svg)

    def test_tells_in_words_every_arm_that_it_shows(self, draw):
        assert all(arm in draw().alt for arm in ARMS[1:])

    def test_has_ids_that_no_other_figure_has(self, draw):
        name = {curves: "one", differences: "two", scatter: "three", heat: "four"}[draw]
        assert all(one.startswith(f"{name}-") for one in re.findall(r' id="([^"]+)"', draw().svg))


def test_of_many_pairs_a_bounded_number_has_a_dot_and_the_axis_still_reaches_all_of_them():
    def drawn(pairs):
        row = ("arm", "a", 0.0, 0.4, 0.3, 0.5, tuple(pairs))
        table = pd.DataFrame([row], columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])
        return figures.differences(table, AXES[:1], ["arm"], "baseline", "five").svg

    few, many = (np.linspace(-3, 3, number) for number in (figures.DOTS, 20 * figures.DOTS - 19))
    assert drawn(many) == drawn(few)


def test_the_first_nine_arms_look_different_without_colour_and_without_shape():
    colours, markers, _ = zip(*(look for _, look in figures._looks(ARMS)), strict=True)
    assert len(set(colours)) == len(set(markers)) == len(ARMS) == 9
