"""Timings of kernels, steps and layers, as tables of medians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.spec.jobs import Timing
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Column, Note, Table
from reports.tables.observations import Record, finished
from reports.text.formatting import NOTHING, TIMES, column_heading, decimal_places, format_fixed, pluralize, unit

SUBJECTS = {
    "activations": "time of the activations alone, forward and backward, and of a copy of the same bytes",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
REFERENCES = {"activations": "copy", "layers": ""}  # else the first arm
HOW = "Median; below, the middle half of the samples"


def build_timings(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = []
    for place, record in finished(evidence.placed, evidence.records):
        if isinstance(place.job, Timing):
            unfit = [Note("Not fit to judge by", record["why_unfit"])] * (not record.get("fit", True))
            blocks += [*unfit, _tabulate_timing(place.study, place.job, record)]
    return blocks


def _tabulate_timing(study: str, job: Timing, record: Record) -> Table:
    samples, reference = record["samples"], REFERENCES.get(job.subject, job.arms[0][0])
    ratio = f" and the median's ratio to that of {reference}" * bool(reference)
    turns = f"The arms took turns for {pluralize(len({sample['pair'] for sample in samples}), 'round')}."
    shown = [*samples, *shares(samples)] if job.subject == "layers" else samples
    return tabulate_samples(shown, f"{study}: {SUBJECTS[job.subject]}", f"{HOW}{ratio}. {turns}", reference)


def shares(samples: Sequence[Record]) -> list[Record]:
    """Each part's share of its network's time, round by round; arms are called '<network>: <part>'."""
    totals: dict[tuple[str, str, int], float] = {}
    for sample in samples:
        key = sample["metric"], sample["arm"].rpartition(": ")[0], sample["pair"]
        totals[key] = totals.get(key, 0.0) + sample["value"]
    return [
        {
            **sample,
            "metric": f"time/share/{sample['metric'].split('/')[-1]}",
            "value": sample["value"] / totals[sample["metric"], sample["arm"].rpartition(": ")[0], sample["pair"]],
        }
        for sample in samples
    ]


def tabulate_samples(samples: Sequence[Record], caption: str, remark: str, reference: str) -> Table:
    values: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        values.setdefault(sample["metric"], {}).setdefault(sample["arm"], []).append(sample["value"])
    arms = dict.fromkeys(sample["arm"] for sample in samples)
    rows = tuple(
        (
            Cell(*column_heading(metric)),
            *(_cell(metric, found.get(arm), found.get(reference), arm == reference) for arm in arms),
        )
        for metric, found in values.items()
    )
    return Table(caption, (Column("Measured", numeric=False), *map(Column, arms)), rows, remark)


def _cell(metric: str, samples: list[float] | None, base: list[float] | None, is_reference: bool) -> Cell:
    if not samples:
        return Cell(NOTHING)
    low, middle, high = np.percentile(samples, (25, 50, 75)) * unit(metric).factor
    places = decimal_places(middle, 3)
    spread = f"[{format_fixed(low, places)}, {format_fixed(high, places)}]"
    ratio = f" {TIMES}{format_fixed(np.median(samples) / np.median(base), 2)}" if base and not is_reference else ""
    return Cell(format_fixed(middle, places), spread + ratio, float(middle))
