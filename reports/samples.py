"""Timings and probes as tables: a metric a row, an arm a column."""

from __future__ import annotations

from collections.abc import Sequence

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
    samples, reference = record["samples"], job.arms[0][0]
    turns = f"The arms took turns for {counted(len({sample['pair'] for sample in samples}), 'round')}."
    if job.subject == "layers":
        return _table([*samples, *shares(samples)], f"{study}: {SUBJECTS[job.subject]}", f"{HOW}. {turns}", "")
    remark = f"{HOW} and the median's ratio to that of {reference}. {turns}"
    return _table(samples, f"{study}: {SUBJECTS[job.subject]}", remark, reference)


def probe(study: str, question: str, record: Record) -> Table:
    return _table(record["samples"], f"{study}: {question}", f"{HOW}.", "")


def shares(samples: Sequence[Record]) -> list[Record]:
    """Each part's share of its network's time, round by round; arms are called '<network>: <part>'."""
    totals: dict[tuple[str, str, int], float] = {}
    for sample in samples:
        key = sample["metric"], sample["arm"].split(": ")[0], sample["pair"]
        totals[key] = totals.get(key, 0.0) + sample["value"]
    return [
        {
            **sample,
            "metric": f"time/share/{sample['metric'].split('/')[-1]}",
            "value": sample["value"] / totals[sample["metric"], sample["arm"].split(": ")[0], sample["pair"]],
        }
        for sample in samples
    ]


def _table(samples: Sequence[Record], caption: str, remark: str, reference: str) -> Table:
    values: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        values.setdefault(sample["metric"], {}).setdefault(sample["arm"], []).append(sample["value"])
    arms = dict.fromkeys(sample["arm"] for sample in samples)
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
