"""Figures of trained arms: differences from the baseline, learning curves and exact zeros."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ablations import AGAIN, Study
from ablations.framework.study import SHUFFLED
from bench.metrics.table import describe_metric
from reports.evidence import Evidence
from reports.rendering.blocks import Figure
from reports.rendering.difference_plot import MAX_DOTS, draw_differences
from reports.rendering.heatmap import draw_heatmap
from reports.rendering.line_plots import draw_curves
from reports.rendering.plot_style import COLOURS, Axis, metric_axis
from reports.sections.arms import list_contrasts, trained_arms
from reports.statistics import summary
from reports.tables.observations import CURVES
from reports.text.formatting import pluralize

MAX_PANELS = 3
MAX_ARMS = 48  # arms in a figure: more are illegible, and take minutes


def draw_arms(study: Study, evidence: Evidence) -> list[Figure]:
    """Draw differences from the baseline and learning curves, except where there are no numbers."""
    return _draw_few(study, evidence, _draw_differences, _draw_curves)


def draw_layers(study: Study, evidence: Evidence) -> list[Figure]:
    """Draw the exact zeros of each layer; no figure where there are no numbers."""
    return _draw_few(study, evidence, _draw_zeros)


def _draw_few(study: Study, evidence: Evidence, *drawings: Callable[[Study, Evidence], Figure | None]) -> list[Figure]:
    """Draw the arms that fit into a figure, those that claims compare first."""
    drawn_arms = _sort_by_claims(study, list(study.arms))[:MAX_ARMS]
    omission = f" {MAX_ARMS} of {len(study.arms)} arms are drawn." * (len(study.arms) > MAX_ARMS)
    if omission:
        study = dataclasses.replace(study, arms={arm: study.arms[arm] for arm in drawn_arms})
        names = [*drawn_arms, AGAIN, SHUFFLED]
        results, curves = (table[table["arm"].isin(names)] for table in (evidence.results, evidence.curves))
        evidence = dataclasses.replace(evidence, results=results, curves=curves)
    figures = [figure for draw in drawings if (figure := draw(study, evidence))]
    return [dataclasses.replace(figure, caption=figure.caption + omission) for figure in figures]


def _draw_curves(study: Study, evidence: Evidence) -> Figure | None:
    if evidence.curves["epoch"].nunique() < 2:
        return None
    table = summary.average_by(evidence.curves, ("arm", "epoch", "metric"))
    arms = [arm for arm in trained_arms(evidence) if arm != AGAIN and arm in set(table["arm"])]
    axes = [metric_axis(metric) for metric in CURVES if metric in set(table["metric"])]
    faint_arms = _select_faint(study, arms)
    drawing = draw_curves(table, axes, arms, faint_arms, f"{study.name}-curves")
    faint = f" {pluralize(len(faint_arms), 'further arm')} in grey, without bands." * bool(faint_arms)
    return Figure(*drawing, f"Learning curves: means over seeds; the bands are 95 % intervals.{faint}")


def _select_faint(study: Study, arms: Sequence[str]) -> list[str]:
    """Arms beyond the number of colours."""
    return _sort_by_claims(study, arms)[len(COLOURS) :]


def _sort_by_claims(study: Study, arms: Sequence[str]) -> list[str]:
    """Sort the arms: the baseline and arms that claims compare first, otherwise as they are."""
    parts = [part for claim in study.claims for part in claim.parts]
    compared = {study.baseline, *(arm for part in parts for arm in (part.arm, part.reference))}
    return sorted(arms, key=lambda arm: arm not in compared)


def _draw_differences(study: Study, evidence: Evidence) -> Figure | None:
    table = _tabulate_differences(study, evidence)
    if table.empty:
        return None
    metrics = {metric: describe_metric(metric) for metric in table["metric"].unique()[:MAX_PANELS]}
    labels = {name: ", ".join(filter(None, (metric.label, metric.difference))) for name, metric in metrics.items()}
    axes = [Axis(name, f"Difference in {label}") for name, label in labels.items()]
    arms = [arm for arm in trained_arms(evidence) if arm in set(table["arm"])]
    drawing = draw_differences(table, axes, arms, study.baseline, f"{study.name}-differences")
    caption = (
        f"Paired differences from {study.baseline}: one dot per pair, their mean and its 95 % interval. The shaded "
        "band is the noise floor: differences of the baseline from itself."
    )
    if table["margin"].notna().any():
        caption += " Dashed lines are the claims' margins."
    if (table["pairs"].map(len) > MAX_DOTS).any():
        caption += f" Of more than {MAX_DOTS} pairs, {MAX_DOTS} have a dot, evenly from the smallest difference to "
        caption += "the largest."
    return Figure(*drawing, caption)


def _tabulate_differences(study: Study, evidence: Evidence) -> pd.DataFrame:
    """Columns arm, metric, mean, half, floor, margin and pairs (a tuple of differences), as shown."""
    results, rows = evidence.results, []
    contrasts = [part for part in list_contrasts(study) if not part.ratio and isinstance(part.reference, str)]
    for metric in dict.fromkeys(["test/accuracy", *(part.metric for part in contrasts)]):
        factor, floor = describe_metric(metric).factor, summary.noise_floor(results, study.baseline, metric)
        for arm in trained_arms(evidence):
            pairs = summary.paired_differences(results, arm, study.baseline, metric) * factor
            if len(pairs) and arm not in (study.baseline, SHUFFLED):
                compared = {arm, study.baseline}
                margins = [p.margin for p in contrasts if p.metric == metric and {p.arm, p.reference} == compared]
                mean, half, _ = summary.estimate_mean(pairs)
                rows.append((arm, metric, mean, half, floor * factor, min(margins, default=np.nan), tuple(pairs)))
    return pd.DataFrame(rows, columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])


def _draw_zeros(study: Study, evidence: Evidence) -> Figure | None:
    prefix = "sparsity/zeros/"
    # conv1, conv1a, ..., extra1, fc6: by name is also by depth
    layers = sorted({metric for metric in evidence.results.columns if metric.startswith(prefix)} - {f"{prefix}mean"})
    zeros = 100 * evidence.results.groupby("arm")[layers].mean().dropna(how="all")
    zeros = zeros.reindex([arm for arm in study.arms if arm in zeros.index]).dropna(how="all", axis="columns")
    if zeros.empty:
        return None
    zeros.columns = zeros.columns.str.removeprefix(prefix)
    drawing = draw_heatmap(zeros, "Exact zeros, %", f"{study.name}-zeros")
    return Figure(*drawing, "Share of exact zeros after each layer's activation, on the test images: means over seeds.")
