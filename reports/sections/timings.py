"""Timings of kernels, steps and layers, as tables of medians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.table import describe_metric
from bench.spec.jobs import Timing
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Note, Table, make_columns
from reports.tables.observations import Record, select_finished
from reports.text.formatting import NOTHING, TIMES, column_heading, decimal_places, format_fixed, pluralize

SUBJECTS = {
    "activations": "time of the activations alone, forward and backward, and of a copy of the same bytes",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
REFERENCES = {"activations": "copy", "layers": ""}  # else the first arm


def build_timings(evidence: Evidence) -> list[Block]:
    """Build a table for each finished timing, with a note where the machine was too busy to judge by it."""
    blocks: list[Block] = []
    for place, record in select_finished(evidence.placed, evidence.records):
        if isinstance(place.job, Timing):
            unfit = [Note("Not fit to judge by", record["why_unfit"])] * (not record.get("fit", True))
            blocks += [*unfit, _tabulate_timing(place.study, place.job, record)]
    return blocks


def _tabulate_timing(study: str, job: Timing, record: Record) -> Table:
    samples, reference = record["samples"], REFERENCES.get(job.subject, job.arms[0][0])
    rounds = pluralize(len({sample["pair"] for sample in samples}), "round")
    shown = [*samples, *compute_shares(samples)] if job.subject == "layers" else samples
    return tabulate_samples(
        shown, f"{study}: {SUBJECTS[job.subject]}", reference, f" The arms took turns for {rounds}."
    )


def compute_shares(samples: Sequence[Record]) -> list[Record]:
    """Compute each part's share of its network's time, round by round; arms are named '<network>: <part>'."""

    def key(sample: Record) -> tuple[str, str, int]:
        return sample["metric"], sample["arm"].rpartition(": ")[0], sample["pair"]

    totals: dict[tuple[str, str, int], float] = {}
    for sample in samples:
        totals[key(sample)] = totals.get(key(sample), 0.0) + sample["value"]
    return [
        {
            **sample,
            "metric": f"time/share/{sample['metric'].split('/')[-1]}",
            "value": sample["value"] / totals[key(sample)],
        }
        for sample in samples
    ]


def tabulate_samples(samples: Sequence[Record], caption: str, reference: str = "", remark: str = "") -> Table:
    """Tabulate medians: a row a metric, a column an arm.

    Args:
        samples: Samples, each with its metric, arm and value.
        caption: The table's title.
        reference: The arm that others are given a ratio to; empty for none.
        remark: What to add to the remark below the table.

    Returns:
        The table; each cell has a median, the quartiles and the ratio of medians.
    """
    values: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        values.setdefault(sample["metric"], {}).setdefault(sample["arm"], []).append(sample["value"])
    arms = dict.fromkeys(sample["arm"] for sample in samples)
    rows = tuple(
        (
            Cell(*column_heading(metric)),
            *(
                _median_cell(metric, by_arm.get(arm), by_arm.get(reference) if arm != reference else None)
                for arm in arms
            ),
        )
        for metric, by_arm in values.items()
    )
    ratio = f" and the ratio of its median to that of {reference}" * bool(reference)
    remark = f"Median; below, the middle half of the samples{ratio}.{remark}"
    return Table(caption, make_columns("Measured", *arms), rows, remark)


def _median_cell(metric: str, samples: list[float] | None, reference: list[float] | None) -> Cell:
    if not samples:
        return Cell(NOTHING)
    low, middle, high = np.percentile(samples, (25, 50, 75)) * describe_metric(metric).factor
    places = decimal_places(middle, 3)
    spread = f"[{format_fixed(low, places)}, {format_fixed(high, places)}]"
    ratio = f" {TIMES}{format_fixed(np.median(samples) / np.median(reference), 2)}" if reference else ""
    return Cell(format_fixed(middle, places), spread + ratio, float(middle))
