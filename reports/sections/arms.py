"""What was trained: the arms as a table and as figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ablations import AGAIN, Study
from ablations.framework.study import SHUFFLED
from bench.spec.jobs import Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Cell, Column, Figure, Table
from reports.rendering.difference_plot import MAX_DOTS, draw_differences
from reports.rendering.heatmap import draw_heatmap
from reports.rendering.line_plots import draw_curves
from reports.rendering.plot_style import COLOURS, Axis, metric_axis
from reports.rendering.scatter_plot import draw_scatter
from reports.sections.switches import titled, trained
from reports.statistics import summary
from reports.tables.observations import CURVES, STEPS, TOTALS
from reports.text.formatting import (
    NOTHING,
    PLUS_MINUS,
    column_heading,
    format_count,
    format_fixed,
    format_mean,
    format_number,
    pluralize,
    unit,
)

SHOWN = (
    "test/accuracy",
    "test/top5",
    "test/ten_crop/accuracy",
    "test/ten_crop/top5",
    "gap/accuracy",
    "speed/images_per_second",
    "sparsity/zeros/mean",
)


def arms(study: Study, evidence: Evidence) -> Table:
    """Every arm, its means over seeds, and below them the differences from the baseline."""
    table, names = evidence.results, trained(evidence)
    metrics = [m for m in dict.fromkeys((*SHOWN, *summary.contrasted(study))) if m in table and table[m].notna().any()]
    columns = [[_mean(table, arm, study.baseline, metric) for arm in names] for metric in metrics]
    columns = [
        _marked(cells, names, study) if metric == "test/accuracy" else cells
        for metric, cells in zip(metrics, columns, strict=True)
    ]
    seeds = [Cell(titled(arm), pluralize(_seeds(table, arm), "seed")) for arm in names]
    sizes = [[_size(evidence, arm, study.baseline, total) for arm in names] for total in TOTALS]
    return Table(
        f"{study.name}: means over seeds, differences from {study.baseline}",
        (
            Column("Arm", numeric=False),
            *(Column(*column_heading(metric)) for metric in metrics),
            Column("Parameters"),
            Column("MACs", "an image"),
        ),
        tuple(zip(seeds, *columns, *sizes, strict=True)),
        "Mean and half-width of its 95 % interval over seeds; below, the mean paired difference from the baseline with "
        "its own. The highest test accuracy is marked, controls left out; nothing else is, for the smallest gap may be "
        "a network's that learnt nothing, and a trial's own speed is shown and never judged. MACs are "
        f"multiply-accumulates.{_floors(table, study, metrics)}",
    )


def printed(study: Study, evidence: Evidence) -> list[Table]:
    """What others printed of the same arms, beside ours."""
    if study.printed is None:
        return []
    source, theirs = study.printed.source, study.printed.accuracies
    base = theirs.get(study.baseline)
    rows = []
    for arm, value in theirs.items():
        difference = "" if base in (None, value) else format_fixed(100 * (value - base), 1, signed=True)
        ours = _mean(evidence.results, arm, study.baseline, "test/accuracy")
        rows.append((Cell(arm), Cell(format_fixed(100 * value, 1), difference, value), ours))
    label, percent = column_heading("test/accuracy")
    columns = Column("Arm", numeric=False), Column("Printed", percent), Column(f"{label} here", percent)
    remark = f"Printed: {source}. Below, differences from {study.baseline}. What others printed decides nothing."
    return [Table(f"{study.name}: test accuracy, printed by others and ours", columns, tuple(rows), remark)]


def _floors(table: pd.DataFrame, study: Study, metrics: Sequence[str]) -> str:
    floors = {metric: summary.floor(table, study.baseline, metric) * unit(metric).factor for metric in metrics}
    told = [
        f"{unit(m).label} {PLUS_MINUS}{format_number(floor, 2)} {unit(m).difference}".strip()
        for m, floor in floors.items()
        if floor > 0
    ]
    return f" Noise floor, the baseline against itself: {'; '.join(told)}." if told else ""


def _mean(table: pd.DataFrame, arm: str, baseline: str, metric: str) -> Cell:
    factor = unit(metric).factor
    mean = summary.mean(summary.values(table, arm, metric)).times(factor)
    if not mean.pairs:
        return Cell(NOTHING)
    pairs = summary.mean(summary.pairs(table, arm, baseline, metric)).times(factor)
    difference = "" if arm == baseline or not pairs.pairs else format_mean(pairs.mean, pairs.half, signed=True)
    censored = metric == STEPS and table.loc[table["arm"] == arm, "censored"].any()
    return Cell("at least " * bool(censored) + format_mean(mean.mean, mean.half), difference, mean.mean)


def _marked(cells: list[Cell], names: Sequence[str], study: Study) -> list[Cell]:
    """The highest is marked, among the study's own arms."""
    compete = [arm in study.arms and cell.sort is not None for arm, cell in zip(names, cells, strict=True)]
    best = max((cell.sort or 0.0 for cell, one in zip(cells, compete, strict=True) if one), default=0.0)
    return [replace(cell, best=one and cell.sort == best) for cell, one in zip(cells, compete, strict=True)]


def _seeds(table: pd.DataFrame, arm: str) -> int:
    return table.loc[table["arm"] == arm, "pair"].nunique()


def _size(evidence: Evidence, arm: str, baseline: str, total: str) -> Cell:
    record, reference = evidence.first_network_record(arm, Trial), evidence.first_network_record(baseline, Trial)
    if record is None:
        return Cell(NOTHING)
    size = record["network"][total]
    base = reference["network"][total] if reference else size
    share = f"{format_fixed(100 * (size / base - 1), 1, signed=True)} %" if base and base != size else ""
    return Cell(format_count(size), share, size)


def drawn(study: Study, evidence: Evidence) -> list[Figure]:
    """Those figures for which there are numbers."""
    drawings = (_curves, _differences, _speed, _zeros)
    return [figure for draw in drawings if (figure := draw(study, evidence))]


def _curves(study: Study, evidence: Evidence) -> Figure | None:
    if evidence.curves["epoch"].nunique() < 2:
        return None
    table = summary.by_arm(evidence.curves, ("arm", "epoch", "metric"))
    arms = [arm for arm in trained(evidence) if arm != AGAIN and arm in set(table["arm"])]
    axes = [metric_axis(metric) for metric in CURVES if metric in set(table["metric"])]
    faint = _beyond(study, arms)
    drawing = draw_curves(table, axes, arms, faint, f"{study.name}-curves")
    caption = "Learning curves: means over seeds; the bands are 95 % intervals."
    return Figure(*drawing, caption + f" {pluralize(len(faint), 'further arm')} in grey, without bands." * bool(faint))


def _beyond(study: Study, arms: Sequence[str]) -> list[str]:
    """Those that are more than can be told apart by colour: the baseline and what claims compare go before them."""
    parts = [part for claim in study.claims for part in claim.parts]
    asked = {study.baseline, *(arm for part in parts for arm in (part.arm, part.reference))}
    return sorted(arms, key=lambda arm: arm not in asked)[len(COLOURS) :]


def _differences(study: Study, evidence: Evidence) -> Figure | None:
    table = evidence.results
    arms = [arm for arm in trained(evidence) if arm not in (study.baseline, SHUFFLED)]
    rows = []
    for metric in summary.subtracted(study):
        factor, floor = unit(metric).factor, summary.floor(table, study.baseline, metric)
        for arm in arms:
            pairs = summary.pairs(table, arm, study.baseline, metric) * factor
            if len(pairs):
                found, margin = summary.mean(pairs), summary.margin(study, arm, metric)
                rows.append((arm, metric, found.mean, found.half, floor * factor, margin, tuple(pairs)))
    if not rows:
        return None
    data = pd.DataFrame(rows, columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])
    axes = [Axis(metric, _difference(metric)) for metric in data["metric"].unique()[:3]]
    shown = [arm for arm in arms if arm in set(data["arm"])]
    drawing = draw_differences(data, axes, shown, study.baseline, f"{study.name}-differences")
    caption = (
        f"Paired differences from {study.baseline}: a dot a pair, their mean and its 95 % interval. The shaded band is "
        "the noise floor: what the baseline differs from itself."
    )
    margins = " Dashed lines are the claims' margins." if data["margin"].notna().any() else ""
    bound = (
        f" Of more than {MAX_DOTS} pairs, {MAX_DOTS} have a dot, evenly from the smallest difference to the largest."
    )
    return Figure(*drawing, caption + margins + bound * bool((data["pairs"].map(len) > MAX_DOTS).any()))


def _difference(metric: str) -> str:
    known = unit(metric)
    return f"Difference in {known.label}" + f", {known.difference}" * bool(known.difference)


def _speed(study: Study, evidence: Evidence) -> Figure | None:
    x, y = metric_axis("speed/images_per_second"), metric_axis("test/accuracy")
    table = evidence.results[evidence.results["arm"].isin(study.arms)].reindex(columns=["arm", x.metric, y.metric])
    table = summary.by_arm(table.melt("arm", var_name="metric").dropna(), ("arm", "metric"))
    if table["metric"].nunique() < 2:
        return None
    arms = [arm for arm in study.arms if arm in set(table["arm"])]
    drawing = draw_scatter(table, x, y, arms, f"{study.name}-speed")
    return Figure(*drawing, "Accuracy against the trials' own speed: means over seeds with 95 % intervals.")


def _zeros(study: Study, evidence: Evidence) -> Figure | None:
    prefix = "sparsity/zeros/"
    # conv1, conv1a, ..., extra1, fc6: by name is also by depth
    layers = sorted({metric for metric in evidence.results.columns if metric.startswith(prefix)} - {f"{prefix}mean"})
    wide = 100 * evidence.results.groupby("arm")[layers].mean().dropna(how="all")
    wide = wide.reindex([arm for arm in study.arms if arm in wide.index]).dropna(how="all", axis="columns")
    if wide.empty:
        return None
    wide.columns = wide.columns.str.removeprefix(prefix)
    drawing = draw_heatmap(wide, "Exact zeros, %", f"{study.name}-zeros")
    return Figure(*drawing, "Share of exact zeros after each layer's activation, on the test images: means over seeds.")
