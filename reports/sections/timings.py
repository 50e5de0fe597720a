"""Timings of kernels, steps and layers, as tables of medians."""

import numpy as np
import pandas as pd

from bench.metrics.table import describe_metric
from bench.spec.jobs import Timing
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Note, Table, make_columns
from reports.tables.observations import SAMPLE_COLUMNS, Record, select_finished
from reports.text.formatting import NOTHING, TIMES, column_heading, decimal_places, format_fixed, pluralize

SUBJECTS = {
    "activations": "time of the activations alone, forward and backward, and of a copy of the same bytes",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
REFERENCES = {"activations": "copy", "layers": ""}  # the first arm for all other subjects


def build_timings(evidence: Evidence) -> list[Block]:
    """Build a table for each finished timing, with a note if the machine was too busy for a verdict."""
    blocks: list[Block] = []
    for place, record in select_finished(evidence.placed, evidence.records):
        if isinstance(place.job, Timing):
            unfit = [Note("Not fit to judge by", record["why_unfit"])] * (not record.get("fit", True))
            blocks += [*unfit, _tabulate_timing(place.study, place.job, record)]
    return blocks


def _tabulate_timing(study: str, job: Timing, record: Record) -> Table:
    samples = pd.DataFrame(record["samples"], columns=SAMPLE_COLUMNS)
    reference = REFERENCES.get(job.subject, job.arms[0][0])
    turns = f" The arms took turns for {pluralize(samples['pair'].nunique(), 'round')}."
    rows = pd.concat([samples, compute_shares(samples)]) if job.subject == "layers" else samples
    return tabulate_samples(rows, f"{study}: {SUBJECTS[job.subject]}", reference, turns)


def compute_shares(samples: pd.DataFrame) -> pd.DataFrame:
    """Compute each part's share of its network's time, round by round.

    Input and result have columns arm ('<network>: <part>'), pair, metric and value: times in, shares out.
    """
    networks = samples["arm"].map(lambda arm: arm.rpartition(": ")[0])
    totals = samples.groupby(["metric", networks, "pair"])["value"].transform("sum")
    metrics = samples["metric"].map(lambda metric: f"time/share/{metric.rpartition('/')[2]}")
    return samples.assign(metric=metrics, value=samples["value"] / totals)


def tabulate_samples(samples: pd.DataFrame, caption: str, reference: str = "", remark: str = "") -> Table:
    """Tabulate medians: one row per metric, one column per arm.

    Args:
        samples: Columns arm, pair, metric and value (in the stored unit).
        caption: The table's title.
        reference: The arm to which the ratios of other arms are shown; empty for none.
        remark: Text added to the remark below the table.

    Returns:
        The table; each cell has a median, the quartiles and the ratio of medians.
    """
    values = dict(iter(samples.groupby(["metric", "arm"], sort=False)["value"]))
    arms, rows = samples["arm"].unique(), []
    for metric in samples["metric"].unique():
        base = values.get((metric, reference))
        cells = (_median_cell(metric, values.get((metric, arm)), None if arm == reference else base) for arm in arms)
        rows.append((Cell(*column_heading(metric)), *cells))
    ratio = f" and the ratio of its median to that of {reference}" * bool(reference)
    remark = f"Median; below, the middle half of the samples{ratio}.{remark}"
    return Table(caption, make_columns("Measured", *arms), tuple(rows), remark)


def _median_cell(metric: str, samples: pd.Series | None, reference: pd.Series | None) -> Cell:
    if samples is None:
        return Cell(NOTHING)
    low, middle, high = np.percentile(samples, (25, 50, 75)) * describe_metric(metric).factor
    places = decimal_places(middle, 3)
    spread = f"[{format_fixed(low, places)}, {format_fixed(high, places)}]"
    ratio = f" {TIMES}{format_fixed(np.median(samples) / np.median(reference), 2)}" if reference is not None else ""
    return Cell(format_fixed(middle, places), spread + ratio, float(middle))
