"""A factorial study: every combination, and what each ingredient adds by several ways of asking."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pandas as pd

from ablations import Study
from ablations.framework.designs import added_in, interaction, left_out, main_effect, shapley_share
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Column, Figure, Heading, Note, Table
from reports.rendering.difference_plot import draw_differences
from reports.rendering.plot_style import Axis
from reports.statistics import summary
from reports.statistics.summary import Mean
from reports.tables import observations
from reports.text.formatting import NOTHING, format_mean

METRIC, POINTS = "test/accuracy", 100
TICK = "\N{CHECK MARK}"
WAYS = {
    "Main effect": main_effect,
    "Left out of all": left_out,
    "Added to none": added_in,
    "Shapley share": shapley_share,
}


def factorial(study: Study, evidence: Evidence) -> list[Block]:
    """The chapter's own part, in place of the arms' table and figures."""
    table = observations.combined(study, evidence.results)
    wide = table[table["metric"] == METRIC].pivot(index="pair", columns="arm", values="value") * POINTS
    if not set(study.combinations) <= set(wide.columns):
        return [Note("Not finished", "No seed has all combinations yet.")]
    effects = {str(name): summary.mean(wide[name].dropna()) for name in wide.columns}
    blocks: list[Block] = [Heading("What each ingredient adds", 3), _ways(study, effects), *_disagreements(study, wide)]
    blocks += [_drawn(study, wide), _interactions(study, effects)]
    return [*blocks, Heading("Every combination", 3), _combinations(study, evidence.results)]


def _ways(study: Study, effects: dict[str, Mean]) -> Table:
    rows = [(Cell(name), *(_cell(effects.get(way(name))) for way in WAYS.values())) for name in study.switches]
    whole = sum(effects[shapley_share(name)].mean for name in study.switches)
    return Table(
        f"{study.name}: points of test accuracy",
        (Column("Ingredient", numeric=False), *map(Column, WAYS)),
        tuple(rows),
        "Mean over seeds and half-width of its 95 % interval. Main effect: with less without, over all combinations of "
        "the others. Left out of all: all ingredients less all but this one. Added to none: this one alone less none. "
        "Shapley share: the mean over all orders of adding them; the shares add up to all less none, "
        f"{format_mean(whole, None)} points.",
    )


def _disagreements(study: Study, wide: pd.DataFrame) -> list[Note]:
    """Ingredients whose gain beside all others is not their gain alone: the paired 95 % interval excludes zero."""
    apart = []
    for name in study.switches:
        beside, alone = wide[left_out(name)], wide[added_in(name)]
        if abs((found := summary.mean((beside - alone).dropna())).mean) > found.half:
            beside_mean, alone_mean = (format_mean(column.mean(), None) for column in (beside, alone))
            apart.append(f"{name} adds {beside_mean} beside all others, {alone_mean} alone")
    return [Note("Leaving out and adding in disagree", f"{'; '.join(apart)}.")] if apart else []


def _interactions(study: Study, effects: dict[str, Mean]) -> Table:
    names = list(study.switches)
    pairs = {frozenset(pair): effects[interaction(*pair)] for pair in itertools.combinations(names, 2)}
    rows = [
        (Cell(name), *(Cell("") if other == name else _cell(pairs[frozenset((name, other))]) for other in names))
        for name in names
    ]
    return Table(
        f"{study.name}: two-way interactions, points of test accuracy",
        (Column("Ingredient", numeric=False), *map(Column, names)),
        tuple(rows),
        "Half of what one ingredient's effect changes by when the other is there: above zero they help each other.",
    )


def _combinations(study: Study, results: pd.DataFrame) -> Table:
    found = {arm: summary.mean(summary.values(results, arm, METRIC)).times(POINTS) for arm in study.arms}
    order = sorted((arm for arm in study.arms if found[arm].pairs), key=lambda arm: -found[arm].mean)
    rows = [
        (*(Cell(TICK if name in _on(arm) else "") for name in study.switches), _cell(found[arm], plain=True))
        for arm in order
    ]
    columns = (*(Column(name, numeric=False) for name in study.switches), Column("Test accuracy", "%"))
    return Table(f"{study.name}: all combinations, best first", columns, tuple(rows))


def _on(arm: str) -> Sequence[str]:
    return arm.split(" + ")


def _drawn(study: Study, wide: pd.DataFrame) -> Figure:
    """Main effects and Shapley shares, a row each, with their seeds."""
    names = [way(name) for way in (main_effect, shapley_share) for name in study.switches]
    nothing = float("nan")
    rows = [
        (name, METRIC, found.mean, found.half, nothing, nothing, tuple(wide[name].dropna()))
        for name in names
        if (found := summary.mean(wide[name].dropna())).pairs
    ]
    data = pd.DataFrame(rows, columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])
    axis = Axis(METRIC, "Test accuracy, points")
    drawing = draw_differences(data, [axis], names, "nothing", f"{study.name}-effects")
    return Figure(*drawing, "Main effects and Shapley shares: a dot a seed, their mean and its 95 % interval.")


def _cell(found: Mean | None, plain: bool = False) -> Cell:
    if found is None or not found.pairs:
        return Cell(NOTHING)
    return Cell(format_mean(found.mean, found.half, signed=not plain), "", found.mean)
