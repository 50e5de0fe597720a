"""Effects of a factorial study: each factor's by several definitions, interactions, every combination."""

import itertools
import math

import pandas as pd

from ablations import Contrast, Study
from ablations.framework.effects import JOINT, added_in, interaction, left_out, main_effect, shapley_share
from bench.metrics.table import describe_metric
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Figure, Heading, Note, Table, make_columns
from reports.rendering.difference_plot import DIFFERENCE_COLUMNS, draw_differences
from reports.rendering.plot_style import Axis
from reports.statistics.factorial import analyse_effect
from reports.statistics.summary import Mean, estimate_mean, select_values
from reports.tables.observations import tabulate_combinations
from reports.text.comparisons import short_label
from reports.text.formatting import NOTHING, format_mean

TICK = "\N{CHECK MARK}"
EFFECTS = {  # column and remark by definition, in which only a full factorial has all
    main_effect: ("Main effect", "with less without, over the combinations of the others"),
    left_out: ("Left out of all", "all factors less all but this one"),
    added_in: ("Added to none", "this one alone less none"),
    shapley_share: ("Shapley share", "the mean over all orders of adding them"),
}


def build_factorial(study: Study, evidence: Evidence) -> list[Block]:
    """Build a factorial study's part of the chapter, in place of the arms' tables and figures."""
    metric = _find_metric(study)
    table = tabulate_combinations(study, evidence.results)
    effects_by_pair = table[table["metric"] == metric].pivot(index="pair", columns="arm", values="value")
    effects_by_pair *= describe_metric(metric).factor
    if not set(study.combinations) <= set(effects_by_pair.columns):
        return [Note("Not finished", "No seed has all combinations yet.")]
    if not all(main_effect(name) in study.combinations for name in study.switches):
        return []  # a study with combinations of its own
    effects = _estimate_effects(study, evidence.results, effects_by_pair)
    blocks: list[Block] = [Heading("Effect of each factor", 3), _tabulate_effects(study, effects)]
    if all(effect(name) in effects for name in study.switches for effect in (left_out, added_in)):
        blocks += _build_disagreements(study, effects_by_pair)
    blocks.append(_draw_effects(study, effects_by_pair, effects))
    if all(interaction(*pair) in effects for pair in itertools.combinations(study.switches, 2)):
        blocks.append(_tabulate_interactions(study, effects))
    return blocks


def _find_metric(study: Study) -> str:
    """Return the metric of the first claim on a combination, which the whole chapter shows; else test accuracy."""
    return _find_part(study).metric


def _find_part(study: Study) -> Contrast:
    parts = [part for claim in study.claims for part in claim.stated if isinstance(part, Contrast)]
    return next((part for part in parts if part.arm in study.combinations), Contrast("test/accuracy", "", 0.0, 1))


def _label(study: Study) -> str:
    """Return the metric's label with a capital."""
    label = short_label(_find_metric(study))
    return label[:1].upper() + label[1:]


def _unit(study: Study) -> str:
    """Name the unit of the effects: 'points of test accuracy'."""
    metric = _find_metric(study)
    return " of ".join(filter(None, (describe_metric(metric).difference, short_label(metric))))


def _estimate_effects(study: Study, results: pd.DataFrame, effects_by_pair: pd.DataFrame) -> dict[str, Mean]:
    """Estimate every effect as verdicts do: by an analysis of variance where there is one, else over seeds."""
    metric = _find_metric(study)
    factor = describe_metric(metric).factor
    values = {arm: dict(select_values(results, arm, metric) * factor) for arm in study.arms}
    effects = {str(name): estimate_mean(effects_by_pair[name].dropna()) for name in effects_by_pair.columns}
    for name, mean in effects.items():
        test = analyse_effect(name, study.switches, study.combinations, values)
        if test and test.estimate is not None and test.interval:
            effects[name] = Mean(test.estimate, (test.interval[1] - test.interval[0]) / 2, mean.size)
    return effects


def _tabulate_effects(study: Study, effects: dict[str, Mean]) -> Table:
    shown = {
        effect: texts for effect, texts in EFFECTS.items() if all(effect(name) in effects for name in study.switches)
    }
    rows = [(Cell(name), *(_cell(effects[effect(name)]) for effect in shown)) for name in study.switches]
    remark = (
        "Mean over seeds and half-width of its 95 % interval: of main effects and interactions by an analysis of "
        "variance with the seeds as blocks, of other effects over the seeds. "
    )
    remark += " ".join(f"{head}: {definition}." for head, definition in shown.values())
    if shapley_share in shown:
        total = math.fsum(effects[shapley_share(name)].mean for name in study.switches)
        remark += f" The shares add up to all less none, {format_mean(total, None)}."
    columns = make_columns("Factor", *(head for head, _ in shown.values()))
    return Table(f"{study.name}: {_unit(study)}", columns, tuple(rows), remark)


def _build_disagreements(study: Study, effects_by_pair: pd.DataFrame) -> list[Block]:
    """Build a note on factors that gain differently beside all others than alone, by the 95 % interval."""
    gains = []
    for name in study.switches:
        gain_beside, gain_alone = effects_by_pair[left_out(name)], effects_by_pair[added_in(name)]
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
        f"{study.name}: two-way interactions, {_unit(study)}",
        make_columns("Factor", *names),
        tuple(rows),
        "Half the change of one factor's effect when the other is added: "
        f"{'below' if _find_part(study).direction == 'lower' else 'above'} zero they help each other.",
    )


def tabulate_combined(study: Study, results: pd.DataFrame) -> Table:
    """Tabulate the claimed metric of every combination that was measured, best first."""
    metric = describe_metric(_find_metric(study))
    sign = 1 if _find_part(study).direction == "lower" else -1
    means = {
        arm: estimate_mean(select_values(results, arm, _find_metric(study))).scaled(metric.factor) for arm in study.arms
    }
    rows = [
        (*(Cell(TICK if name in arm.split(JOINT) else "") for name in study.switches), _cell(means[arm], signed=False))
        for arm in sorted((arm for arm in study.arms if means[arm].size), key=lambda arm: sign * means[arm].mean)
    ]
    columns = make_columns(*study.switches, (_label(study), metric.unit), text=len(study.switches))
    return Table(f"{study.name}: combinations, best first", columns, tuple(rows))


def _draw_effects(study: Study, effects_by_pair: pd.DataFrame, effects: dict[str, Mean]) -> Figure:
    """Draw main effects and Shapley shares, one row per effect, one dot per seed."""
    metric = _find_metric(study)
    kinds = [kind for kind in (main_effect, shapley_share) if all(kind(name) in effects for name in study.switches)]
    names = [kind(name) for kind in kinds for name in study.switches]
    rows = []
    for name in names:
        if effects[name].size:
            pairs = effects_by_pair[name].dropna()
            trials = tuple((f"{study.name} / all combinations / seed {seed}",) for seed in pairs.index)
            rows.append((name, metric, *effects[name].bounds, math.nan, math.nan, tuple(pairs), trials))
    table = pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    axis = Axis(metric, ", ".join(filter(None, (_label(study), describe_metric(metric).difference))))
    drawing = draw_differences(table, [axis], names, "nothing", f"{study.name}-effects")
    heads = " and ".join(("Main effects", "Shapley shares")[: len(kinds)])
    return Figure(*drawing, f"{heads}: one dot per seed, their mean and its 95 % interval.")


def _cell(mean: Mean | None, signed: bool = True) -> Cell:
    if mean is None or not mean.size:
        return Cell(NOTHING)
    return Cell(format_mean(mean.mean, mean.half, signed), "", mean.mean)
