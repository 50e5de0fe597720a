"""Tables of what was measured, as blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from ablations.study import AGAIN, SHUFFLED, Study
from bench.spec import Trial
from reports import summary
from reports.blocks import Cell, Column, Table
from reports.changes import changes
from reports.evidence import Evidence, Record
from reports.frame import unit
from reports.numbers import NOTHING, PLUS_MINUS, TIMES, around, compact, counted, fixed, plain

SHOWN = ("test/accuracy", "gap/accuracy", "speed/images_per_second", "sparsity/zeros/mean")
TOTALS = ("parameters", "macs")
BEST = {"test/accuracy": max, "gap/accuracy": min, "speed/images_per_second": max, "speed/steps_to_train_error_25": min}


def trained(evidence: Evidence) -> list[str]:
    """The arms with trials, controls last."""
    return list(dict.fromkeys(place.arm for place in evidence.placed if isinstance(place.job, Trial)))


def named(arm: str) -> str:
    return f"{arm} (control)" if arm in (AGAIN, SHUFFLED) else arm


def switches(study: Study, evidence: Evidence) -> Table:
    """What each arm changes, as the built networks and the recipes show it."""
    baseline = evidence.first(study.baseline, Trial)
    rows = []
    for arm in trained(evidence):
        record = evidence.first(arm, Trial)
        if arm == study.baseline:
            told = "the baseline"
        elif record is None or baseline is None:
            told = "not run"
        else:
            found = changes(record, baseline)
            told = "\n".join(f"{aspect}: {change}" for aspect, change in found.items()) or "nothing but the seeds"
        rows.append((Cell(named(arm)), Cell(told)))
    columns = (Column("Arm", numeric=False), Column("What differs from the baseline", numeric=False))
    return Table(f"{study.name}: read off the networks as built and the recipes as run", columns, tuple(rows))


def arms(study: Study, evidence: Evidence) -> Table:
    """Every arm, its means over seeds, and below them the differences from the baseline."""
    table, names = evidence.of_trials, trained(evidence)
    metrics = [m for m in dict.fromkeys((*SHOWN, *summary.contrasted(study))) if m in set(table["metric"])]
    compete = [arm in study.arms for arm in names]
    columns = []
    for metric in metrics:
        cells = [_mean(table, arm, study.baseline, metric) for arm in names]
        columns.append(_marked(cells, compete, BEST[metric]) if metric in BEST else cells)
    seeds = [Cell(named(arm), counted(_seeds(table, arm), "seed")) for arm in names]
    sizes = [[_size(evidence, arm, study.baseline, total) for arm in names] for total in TOTALS]
    return Table(
        f"{study.name}: means over seeds, differences from {study.baseline}",
        (
            Column("Arm", numeric=False),
            *map(column, metrics),
            Column("Parameters"),
            Column("MACs", "an image"),
        ),
        tuple(zip(seeds, *columns, *sizes, strict=True)),
        "Mean and half-width of its 95 % interval over seeds; below, the mean paired difference from the baseline with "
        "its own. The best arm is marked where one direction is better; controls do not compete. MACs are "
        f"multiply-accumulates.{_floors(table, study, metrics)}",
    )


def _floors(table: pd.DataFrame, study: Study, metrics: Sequence[str]) -> str:
    floors = {metric: summary.floor(table, study.baseline, metric) * unit(metric).factor for metric in metrics}
    told = [
        f"{unit(m).label} {PLUS_MINUS}{plain(floor, 2)} {unit(m).unit}".strip()
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
    difference = "" if arm == baseline or not pairs.pairs else around(pairs.mean, pairs.half, signed=True)
    censored = table.loc[(table["arm"] == arm) & (table["metric"] == metric), "censored"].any()
    return Cell("at least " * bool(censored) + around(mean.mean, mean.half), difference, mean.mean)


def _marked(cells: list[Cell], compete: Sequence[bool], pick: Callable[..., float]) -> list[Cell]:
    best = pick(
        (cell.sort for cell, one in zip(cells, compete, strict=True) if one and cell.sort is not None), default=0
    )
    return [replace(cell, best=one and cell.sort == best) for cell, one in zip(cells, compete, strict=True)]


def column(metric: str) -> Column:
    """The metric's column; a share is in per cent, a difference of shares in points.

    A unit that the label names is not repeated.
    """
    known = unit(metric)
    level = known.unit == "points" and not metric.startswith("gap/")
    told = known.unit.split("/")[0] in known.label.split()
    return Column(known.label[0].upper() + known.label[1:], "%" if level else "" if told else known.unit)


def _seeds(table: pd.DataFrame, arm: str) -> int:
    return table.loc[table["arm"] == arm, "pair"].nunique()


def _size(evidence: Evidence, arm: str, baseline: str, total: str) -> Cell:
    record, reference = evidence.first(arm, Trial), evidence.first(baseline, Trial)
    if record is None:
        return Cell(NOTHING)
    size = record["network"][total]
    base = reference["network"][total] if reference else size
    share = f"{fixed(100 * (size / base - 1), 1, signed=True)} %" if base and base != size else ""
    return Cell(compact(size), share, size)


def layers(record: Record, caption: str) -> Table:
    """Parameters and multiply-accumulates, a layer at a time, with their shares."""
    network = record["network"]
    convolutions = [row for row in network["layers"] if row["kind"] == "conv"]
    sums = [
        {"name": "convolutions together", **{total: sum(row[total] for row in convolutions) for total in TOTALS}},
        {"name": "all layers", **{total: network[total] for total in TOTALS}},
    ]
    return Table(
        caption,
        (
            Column("Layer", numeric=False),
            Column("Weights", numeric=False),
            Column("Output", numeric=False),
            Column("Parameters"),
            Column("Share of parameters", "%"),
            Column("MACs", "an image"),
            Column("Share of MACs", "%"),
        ),
        tuple(_layer(row, network) for row in (*network["layers"], *sums)),
        sums=2,
    )


def _layer(row: Record, network: Record) -> tuple[Cell, ...]:
    shapes = [Cell(f" {TIMES} ".join(map(str, row[field])) if field in row else "") for field in ("shape", "output")]
    amounts = [
        cell
        for total in TOTALS
        for cell in (
            Cell(f"{row[total]:,}", sort=row[total]),
            Cell(fixed(100 * row[total] / network[total], 2), sort=row[total]) if network[total] else Cell(NOTHING),
        )
    ]
    return Cell(row["name"]), *shapes, *amounts
