"""Timings and probes as tables: a metric a row, an arm a column."""

from __future__ import annotations

import numpy as np

from bench.spec import Timing
from reports.blocks import Cell, Column, Table
from reports.evidence import Record
from reports.frame import KERNEL, unit
from reports.numbers import NOTHING, TIMES, counted, decimals, fixed
from reports.tables import column

SUBJECTS = {
    "activations": "time of the activations alone, forward and backward",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
HOW = "Median; below, the middle half of the samples"


def timing(study: str, job: Timing, record: Record) -> Table:
    reference, rounds = job.arms[0][0], len({sample["pair"] for sample in record["samples"]})
    remark = f"{HOW} and the median's ratio to that of {reference}. The arms took turns for {counted(rounds, 'round')}."
    return _table(record, f"{study}: {SUBJECTS.get(job.subject, job.subject)}", remark, reference)


def probe(study: str, question: str, record: Record) -> Table:
    return _table(record, f"{study}: {question}", f"{HOW}.", "")


def _table(record: Record, caption: str, remark: str, reference: str) -> Table:
    values: dict[str, dict[str, list[float]]] = {}
    for sample in record["samples"]:
        values.setdefault(sample["metric"], {}).setdefault(sample["arm"], []).append(sample["value"])
    arms = dict.fromkeys(sample["arm"] for sample in record["samples"])
    rows = tuple(
        (_named(metric), *(_cell(metric, found.get(arm), found.get(reference), arm == reference) for arm in arms))
        for metric, found in values.items()
    )
    return Table(caption, (Column("Measured", numeric=False), *map(Column, arms)), rows, remark)


def _named(metric: str) -> Cell:
    """A time of a kernel is named by its size."""
    if metric.startswith(f"{KERNEL}/"):
        return Cell(f"{int(metric.removeprefix(f'{KERNEL}/')):,} elements", unit(metric).unit)
    return Cell(column(metric).label, column(metric).unit)


def _cell(metric: str, samples: list[float] | None, base: list[float] | None, is_reference: bool) -> Cell:
    if not samples:
        return Cell(NOTHING)
    low, middle, high = np.percentile(samples, (25, 50, 75)) * unit(metric).factor
    places = decimals(middle, 3)
    spread = f"[{fixed(low, places)}, {fixed(high, places)}]"
    ratio = f" {TIMES}{fixed(np.median(samples) / np.median(base), 2)}" if base and not is_reference else ""
    return Cell(fixed(middle, places), spread + ratio, float(middle))
