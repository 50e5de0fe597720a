"""Counts, timings and probes: a table of layers for each counted network, tables of medians for the others."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ablations import Study
from ablations.framework.waves import PlacedJob
from bench.metrics.table import describe_metric
from bench.spec.jobs import Count, Probe, Timing
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Figure, Heading, Note, Table, make_columns
from reports.rendering.line_plots import draw_responses
from reports.rendering.plot_style import Axis
from reports.statistics import summary
from reports.tables.observations import SAMPLE_COLUMNS, TOTALS, Record, list_samples, select_finished
from reports.text.formatting import NOTHING, TIMES, column_heading, decimal_places, format_fixed, pluralize

BY = f"\N{NO-BREAK SPACE}{TIMES}\N{NO-BREAK SPACE}"  # keeps a shape on one line
SUBJECTS = {
    "activations": "time of the activations alone, forward and backward, and of a copy of the same bytes",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
REFERENCES = {"activations": "copy", "layers": ""}  # the first arm for all other subjects

Finished = Iterable[tuple[PlacedJob, Record]]


def build_measurements(study: Study, evidence: Evidence) -> list[Block]:
    """Build counts, timings and probes, each kind under a heading, with a note for each job that has not finished."""
    blocks: list[Block] = []
    kinds = ("Counts", Count, _build_counts), ("Timings", Timing, _build_timings), ("Probes", Probe, _build_probes)
    for title, kind, build in kinds:
        places = [place for place in evidence.placed if isinstance(place.job, kind)]
        blocks += [Heading(title, 3)] * bool(places)
        for place in places:
            record = evidence.find_record(place.job)
            if record is None or record["status"] != "finished":
                name = place.arm or getattr(place.job, "subject", "") or getattr(place.job, "question", "")
                blocks.append(Note("Not finished", f"{name}: {record['reason'] if record else 'not run'}"))
        blocks += build(study.name, select_finished(places, evidence.records))
    return blocks


def _build_counts(study: str, finished: Finished) -> list[Block]:
    return [_tabulate_layers(record, f"{study}, {place.arm}: layer by layer") for place, record in finished]


def _tabulate_layers(record: Record, caption: str) -> Table:
    network = record["network"]
    convolutions = [row for row in network["layers"] if row["kind"] == "conv"]
    sums = [
        {"name": "all convolutions", **{total: sum(row[total] for row in convolutions) for total in TOTALS}},
        {"name": "all layers", **{total: network[total] for total in TOTALS}},
    ]
    heads = "Parameters", ("Share of parameters", "%"), ("MACs", "per image"), ("Share of MACs", "%")
    return Table(
        caption,
        make_columns("Layer", "Weights", "Output", *heads, text=3),
        tuple(_layer_cells(row, network) for row in (*network["layers"], *sums)),
        sum_rows=len(sums),
    )


def _layer_cells(row: Record, network: Record) -> tuple[Cell, ...]:
    shapes = [Cell(BY.join(map(str, row[field])) if field in row else "") for field in ("shape", "output")]
    amounts = []
    for total in TOTALS:
        share = format_fixed(100 * row[total] / network[total], 2) if network[total] else NOTHING
        amounts += [Cell(f"{row[total]:,}", sort=row[total]), Cell(share, sort=row[total])]
    return Cell(row["name"]), *shapes, *amounts


def _build_timings(study: str, finished: Finished) -> list[Block]:
    """Build a table for each timing, with a note if the machine was too busy for a verdict."""
    blocks: list[Block] = []
    for _, record in finished:
        blocks += [Note("Not usable for verdicts", record["why_unfit"])] * (not record.get("fit", True))
        subject, samples = record["job"]["subject"], pd.DataFrame(record["samples"], columns=SAMPLE_COLUMNS)
        reference = REFERENCES.get(subject, record["job"]["arms"][0][0])
        turns = f" The arms took turns for {pluralize(samples['pair'].nunique(), 'round')}."
        rows = pd.concat([samples, compute_shares(samples)]) if subject == "layers" else samples
        blocks.append(_tabulate_samples(rows, f"{study}: {SUBJECTS[subject]}", reference, turns))
    return blocks


def compute_shares(samples: pd.DataFrame) -> pd.DataFrame:
    """Compute each part's share of its network's time, round by round.

    Input and result have columns arm ('<network>: <part>'), pair, metric and value: times in, shares out.
    """
    networks = samples["arm"].map(lambda arm: arm.rpartition(": ")[0])
    totals = samples.groupby(["metric", networks, "pair"])["value"].transform("sum")
    metrics = samples["metric"].map(lambda metric: f"time/share/{metric.rpartition('/')[2]}")
    return samples.assign(metric=metrics, value=samples["value"] / totals)


def _build_probes(study: str, finished: Finished) -> list[Block]:
    """Build a table of all answers to each question; answers by threshold also as a figure."""
    answers = defaultdict[str, list[Record]](list)
    for place, record in finished:
        answers[record["job"]["question"]] += list_samples(place, record)
    blocks: list[Block] = []
    for question, answer in answers.items():
        samples = pd.DataFrame(answer, columns=SAMPLE_COLUMNS)
        if question == "activity":
            blocks.append(_draw_thresholds(study, samples))
        blocks.append(_tabulate_samples(samples, f"{study}: {question}"))
    return blocks


def _draw_thresholds(study: str, samples: pd.DataFrame) -> Figure:
    table = samples.assign(x=samples["metric"].str.rpartition("/")[2].astype(float))
    table = summary.average_by(table, ("arm", "x")).rename(columns={"arm": "series"}).assign(metric="above")
    axis, x = Axis("above", "Share of activations above, %", 100), Axis("threshold", "Threshold")
    drawing = draw_responses(table, [axis], x, False, f"{study}-activity")
    return Figure(*drawing, "The share of active units depends on the threshold where an activation is never zero.")


def _tabulate_samples(samples: pd.DataFrame, caption: str, reference: str = "", remark: str = "") -> Table:
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
