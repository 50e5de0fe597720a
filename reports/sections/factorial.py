"""Effects of a factorial study: each ingredient's by several definitions, interactions, every combination."""

import itertools
import math

import pandas as pd

from ablations import Study
from ablations.framework.designs import added_in, interaction, left_out, main_effect, shapley_share
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Figure, Heading, Note, Table, make_columns
from reports.rendering.difference_plot import DIFFERENCE_COLUMNS, draw_differences
from reports.rendering.plot_style import Axis
from reports.statistics.factorial import analyse_effect
from reports.statistics.summary import Mean, estimate_mean, select_values
from reports.tables.observations import tabulate_combinations
from reports.text.formatting import NOTHING, format_mean

METRIC, POINTS = "test/accuracy", 100
TICK = "\N{CHECK MARK}"
EFFECTS = main_effect, left_out, added_in, shapley_share
HEADS = "Main effect", "Left out of all", "Added to none", "Shapley share"


def build_factorial(study: Study, evidence: Evidence) -> list[Block]:
    """Build a factorial study's part of the chapter, in place of the arms' tables and figures."""
    table = tabulate_combinations(study, evidence.results)
    points = table[table["metric"] == METRIC].pivot(index="pair", columns="arm", values="value") * POINTS
    if not set(study.combinations) <= set(points.columns):
        return [Note("Not finished", "No seed has all combinations yet.")]
    effects = _estimate_effects(study, evidence.results, points)
    return [
        Heading("Effect of each ingredient", 3),
        _tabulate_effects(study, effects),
        *_build_disagreements(study, points),
        _draw_effects(study, points, effects),
        _tabulate_interactions(study, effects),
    ]


def _estimate_effects(study: Study, results: pd.DataFrame, points: pd.DataFrame) -> dict[str, Mean]:
    """Estimate every effect as verdicts do: by an analysis of variance where there is one, else over seeds."""
    values = {arm: dict(select_values(results, arm, METRIC) * POINTS) for arm in study.arms}
    effects = {str(name): estimate_mean(points[name].dropna()) for name in points.columns}
    for name, mean in effects.items():
        test = analyse_effect(name, study.switches, values)
        if test and test.estimate is not None and test.interval:
            effects[name] = Mean(test.estimate, (test.interval[1] - test.interval[0]) / 2, mean.size)
    return effects


def _tabulate_effects(study: Study, effects: dict[str, Mean]) -> Table:
    rows = [(Cell(name), *(_cell(effects.get(effect(name))) for effect in EFFECTS)) for name in study.switches]
    total = math.fsum(effects[shapley_share(name)].mean for name in study.switches)
    return Table(
        f"{study.name}: points of test accuracy",
        make_columns("Ingredient", *HEADS),
        tuple(rows),
        "Mean over seeds and half-width of its 95 % interval: of main effects, and of the interactions below, by an "
        "analysis of variance with the seeds as blocks; of the other effects over the seeds. Main effect: with less "
        "without, over all combinations of "
        "the others. Left out of all: all ingredients less all but this one. Added to none: this one alone less none. "
        "Shapley share: the mean over all orders of adding them; the shares add up to all less none, "
        f"{format_mean(total, None)} points.",
    )


def _build_disagreements(study: Study, points: pd.DataFrame) -> list[Block]:
    """Build a note on ingredients that gain differently beside all others than alone, by the 95 % interval."""
    gains = []
    for name in study.switches:
        gain_beside, gain_alone = points[left_out(name)], points[added_in(name)]
        difference = estimate_mean((gain_beside - gain_alone).dropna())
        if abs(difference.mean) > difference.half:
            beside_text, alone_text = (format_mean(gain.mean(), None) for gain in (gain_beside, gain_alone))
            gains.append(f"{name} adds {beside_text} beside all others, {alone_text} alone")
    return [Note("Leaving out and adding in disagree", f"{'; '.join(gains)}.")] if gains else []


def _tabulate_interactions(study: Study, effects: dict[str, Mean]) -> Table:
    names = list(study.switches)
    pairs = {frozenset(pair): effects[interaction(*pair)] for pair in itertools.combinations(names, 2)}
    rows = [
        (Cell(name), *(Cell("") if other == name else _cell(pairs[frozenset((name, other))]) for other in names))
        for name in names
    ]
    return Table(
        f"{study.name}: two-way interactions, points of test accuracy",
        make_columns("Ingredient", *names),
        tuple(rows),
        "Half the change of one ingredient's effect when the other is added: above zero they help each other.",
    )


def tabulate_combined(study: Study, results: pd.DataFrame) -> Table:
    """Tabulate the test accuracy of every combination that was measured, best first."""
    means = {arm: estimate_mean(select_values(results, arm, METRIC)).scaled(POINTS) for arm in study.arms}
    rows = [
        (*(Cell(TICK if name in arm.split(" + ") else "") for name in study.switches), _cell(means[arm], signed=False))
        for arm in sorted((arm for arm in study.arms if means[arm].size), key=lambda arm: -means[arm].mean)
    ]
    columns = make_columns(*study.switches, ("Test accuracy", "%"), text=len(study.switches))
    return Table(f"{study.name}: all combinations, best first", columns, tuple(rows))


def _draw_effects(study: Study, points: pd.DataFrame, effects: dict[str, Mean]) -> Figure:
    """Draw main effects and Shapley shares, one row per effect, one dot per seed."""
    names = [effect(name) for effect in (main_effect, shapley_share) for name in study.switches]
    rows = []
    for name in names:
        if effects[name].size:
            pairs = points[name].dropna()
            trials = tuple((f"{study.name} / all combinations / seed {seed}",) for seed in pairs.index)
            rows.append((name, METRIC, *effects[name].bounds, math.nan, math.nan, tuple(pairs), trials))
    table = pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    drawing = draw_differences(
        table, [Axis(METRIC, "Test accuracy, points")], names, "nothing", f"{study.name}-effects"
    )
    return Figure(*drawing, "Main effects and Shapley shares: one dot per seed, their mean and its 95 % interval.")


def _cell(mean: Mean | None, signed: bool = True) -> Cell:
    if mean is None or not mean.size:
        return Cell(NOTHING)
    return Cell(format_mean(mean.mean, mean.half, signed), "", mean.mean)
