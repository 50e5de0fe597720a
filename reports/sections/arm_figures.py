"""Figures of trained arms: differences from the baseline, learning curves and exact zeros."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ablations import AGAIN, Study
from ablations.framework.study import SHUFFLED
from bench.metrics.table import describe_metric
from bench.records.store import final_metrics
from reports.evidence import Evidence
from reports.rendering.blocks import Figure
from reports.rendering.difference_plot import DIFFERENCE_COLUMNS, MAX_DOTS, draw_differences
from reports.rendering.heatmap import draw_heatmap
from reports.rendering.line_plots import draw_curves
from reports.rendering.plot_style import COLOURS, Axis, metric_axis
from reports.sections.arms import label_trials, list_contrasts, trained_arms
from reports.statistics import summary
from reports.tables.observations import CURVES, STEPS
from reports.text.formatting import pluralize

RATIO = "ratio of "  # begins the name of a quantity that is compared by ratios
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
    return Figure(*drawing, f"{study.name}: learning curves, means over seeds; the bands are 95 % intervals.{faint}")


def _select_faint(study: Study, arms: Sequence[str]) -> list[str]:
    """Arms beyond the number of colours."""
    return _sort_by_claims(study, arms)[len(COLOURS) :]


def _sort_by_claims(study: Study, arms: Sequence[str]) -> list[str]:
    """Sort the arms: the baseline and arms that claims compare first, otherwise as they are."""
    parts = [part for claim in study.claims for part in claim.parts]
    compared = {study.baseline, *(arm for part in parts for arm in (part.arm, part.reference))}
    return sorted(arms, key=lambda arm: arm not in compared)


def _draw_differences(study: Study, evidence: Evidence) -> Figure | None:
    """Draw the stated comparisons' metrics first, then test accuracy, then those of robustness checks."""
    contrasts = [part for part in list_contrasts(study) if isinstance(part.reference, str)]
    stated = [(part.metric, part.ratio) for claim in study.claims for part in claim.stated if part in contrasts]
    quantities = dict.fromkeys([*stated, ("test/accuracy", False), *((part.metric, part.ratio) for part in contrasts)])
    tables = {quantity: _tabulate_differences(study, evidence, *quantity) for quantity in quantities}
    drawn = {quantity: table for quantity, table in tables.items() if set(table["arm"]) - {AGAIN}}
    drawn = dict(list(drawn.items())[:MAX_PANELS])
    if not drawn:
        return None
    axes = [_difference_axis(*quantity) for quantity in drawn]
    table = pd.concat(drawn.values())
    arms = [arm for arm in trained_arms(evidence) if arm in set(table["arm"])]
    drawing = draw_differences(table, axes, arms, study.baseline, f"{study.name}-differences")
    kinds = {False: f"differences from {study.baseline}", True: f"ratios to {study.baseline}"}
    named = " and ".join(kinds[ratio] for ratio in dict.fromkeys(axis.is_ratio for axis in axes))
    caption = f"{study.name}: paired {named}; one dot per pair, their mean, its 95 % interval without regard to looks."
    if any((table["floor"] > axis.neutral)[table["metric"] == axis.metric].any() for axis in axes):
        caption += " The shaded band is the noise floor: the baseline against itself."
    if table["margin"].notna().any():
        caption += " Dashed lines are the margins of comparisons with the baseline."
    if STEPS in {axis.metric.removeprefix(RATIO) for axis in axes} and evidence.results["censored"].any():
        caption += " Times that were not reached count as the budget."
    if (table["pairs"].map(len) > MAX_DOTS).any():
        caption += f" Of more than {MAX_DOTS} pairs, {MAX_DOTS} have a dot, evenly from the smallest difference to "
        caption += "the largest."
    return Figure(*drawing, caption)


def _difference_axis(metric: str, ratio: bool) -> Axis:
    description = describe_metric(metric)
    if ratio:
        return Axis(_series(metric, ratio), f"Ratio of {description.label}", is_ratio=True)
    return Axis(metric, f"Difference in {', '.join(filter(None, (description.label, description.difference)))}")


def _series(metric: str, ratio: bool) -> str:
    return RATIO * ratio + metric


def _tabulate_differences(study: Study, evidence: Evidence, metric: str, ratio: bool) -> pd.DataFrame:
    """Tabulate each arm's differences from the baseline, or ratios to it, as shown: DIFFERENCE_COLUMNS."""
    results, rows, names = evidence.results, [], label_trials(evidence)
    factor = 1 if ratio else describe_metric(metric).factor
    floor = summary.noise_floor(results, study.baseline, metric, ratio)
    contrasts = [part for part in list_contrasts(study) if (part.metric, part.ratio) == (metric, ratio)]
    for arm in trained_arms(evidence):
        pairs = summary.paired_differences(results, arm, study.baseline, metric, ratio) * factor
        if len(pairs) and arm not in (study.baseline, SHUFFLED):
            margins = [part.margin for part in contrasts if {part.arm, part.reference} == {arm, study.baseline}]
            numbers = [*summary.estimate_mean(pairs).bounds, floor * factor]
            shown = np.exp([*numbers, *pairs]) if ratio else np.array([*numbers, *pairs])
            margin = min(margins, default=np.nan)
            trials = tuple((names[arm, pair], names[study.baseline, pair]) for pair in pairs.index)
            rows.append((arm, _series(metric, ratio), *shown[:4], margin, tuple(shown[4:]), trials))
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def _draw_zeros(study: Study, evidence: Evidence) -> Figure | None:
    prefix = "sparsity/zeros/"
    layers = [layer for layer in _order_metrics(evidence, prefix) if layer != f"{prefix}mean"]
    zeros = 100 * evidence.results.groupby("arm")[layers].mean().dropna(how="all")
    zeros = zeros.reindex([arm for arm in study.arms if arm in zeros.index]).dropna(how="all", axis="columns")
    if zeros.empty:
        return None
    zeros.columns = zeros.columns.str.removeprefix(prefix)
    drawing = draw_heatmap(zeros, "Exact zeros, %", f"{study.name}-zeros")
    return Figure(
        *drawing,
        f"{study.name}: share of exact zeros after each layer's activation, on the test images: means over seeds.",
    )


def _order_metrics(evidence: Evidence, prefix: str) -> list[str]:
    """List the metrics of layers in the order in which networks run them; what one arm has comes before its next."""
    metrics: list[str] = []
    for arm in trained_arms(evidence):
        record, place = evidence.first_network_record(arm), len(metrics)
        own = [metric for metric in final_metrics(record) if metric.startswith(prefix)] if record else []
        for metric in reversed(own):
            if metric in metrics:
                place = metrics.index(metric)
            else:
                metrics.insert(place, metric)
    return [metric for metric in metrics if metric in evidence.results]
