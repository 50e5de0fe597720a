"""What was not trained: counts, timings and probes, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.spec.jobs import Count, Probe, Timing, Trial
from reports.rendering import figures
from reports.rendering.blocks import Block, Cell, Column, Figure, Heading, Note, Table
from reports.rendering.plot_style import Axis
from reports.tables import summary
from reports.tables.evidence import Evidence, Record
from reports.tables.observations import samples
from reports.text.formatting import NOTHING, TIMES, counted, decimals, fixed, heading, unit

TOTALS = ("parameters", "macs")
BY = f"\N{NO-BREAK SPACE}{TIMES}\N{NO-BREAK SPACE}"  # a shape is not torn apart at a line's end
SUBJECTS = {
    "activations": "time of the activations alone, forward and backward, and of a copy of the same bytes",
    "steps": "time of a whole training step",
    "layers": "forward time, part by part",
}
REFERENCES = {"activations": "copy", "layers": ""}  # else the first arm
HOW = "Median; below, the middle half of the samples"


def others(evidence: Evidence) -> list[Block]:
    """Counts, timings and probes."""
    blocks: dict[str, list[Block]] = {"Counts": [], "Timings": [], "Probes": []}
    answers: dict[tuple[str, str], list[Record]] = {}
    for place in evidence.placed:
        record = evidence.record(place.job)
        if isinstance(place.job, Trial):
            continue
        section = {Count: "Counts", Timing: "Timings", Probe: "Probes"}[type(place.job)]
        if record is None or record["status"] != "finished":
            what = place.arm or getattr(place.job, "subject", "") or getattr(place.job, "question", "")
            blocks[section].append(Note("Not finished", f"{what}: {record['reason'] if record else 'not run'}"))
        elif isinstance(place.job, Count):
            blocks[section].append(layers(record, f"{place.study}, {place.arm}: layer by layer"))
        elif isinstance(place.job, Timing):
            unfit = [Note("Not fit to judge by", record["why_unfit"])] * (not record.get("fit", True))
            blocks[section] += [*unfit, timing(place.study, place.job, record)]
        else:
            answers.setdefault((place.study, place.job.question), []).extend(samples(record, place.arm))
    for (study, question), found in answers.items():
        blocks["Probes"] += probe(study, question, found)
    return [block for section, shown in blocks.items() if shown for block in (Heading(section, 3), *shown)]


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
    shapes = [Cell(BY.join(map(str, row[field])) if field in row else "") for field in ("shape", "output")]
    amounts = [
        cell
        for total in TOTALS
        for cell in (
            Cell(f"{row[total]:,}", sort=row[total]),
            Cell(fixed(100 * row[total] / network[total], 2), sort=row[total]) if network[total] else Cell(NOTHING),
        )
    ]
    return Cell(row["name"]), *shapes, *amounts


def timing(study: str, job: Timing, record: Record) -> Table:
    samples, reference = record["samples"], REFERENCES.get(job.subject, job.arms[0][0])
    ratio = f" and the median's ratio to that of {reference}" * bool(reference)
    turns = f"The arms took turns for {counted(len({sample['pair'] for sample in samples}), 'round')}."
    shown = [*samples, *shares(samples)] if job.subject == "layers" else samples
    return _table(shown, f"{study}: {SUBJECTS[job.subject]}", f"{HOW}{ratio}. {turns}", reference)


def probe(study: str, question: str, samples: Sequence[Record]) -> list[Block]:
    """All answers to the question as a table; those by thresholds as a figure too."""
    table = _table(samples, f"{study}: {question}", f"{HOW}.", "")
    return [table] if question != "activity" else [_thresholds(study, samples), table]


def _thresholds(study: str, samples: Sequence[Record]) -> Figure:
    found = pd.DataFrame(samples)
    found["x"] = found["metric"].str.rpartition("/")[2].astype(float)
    table = summary.by_arm(found, ("arm", "x")).rename(columns={"arm": "series"})
    shown, label = Axis("above", "Share of activations above, %", 100), "Threshold"
    drawing = figures.responses(table.assign(metric="above"), [shown], Axis(label, label), False, f"{study}-activity")
    return Figure(*drawing, "What 'active' means depends on the threshold where an activation is never exactly zero.")


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


def _table(samples: Sequence[Record], caption: str, remark: str, reference: str) -> Table:
    values: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        values.setdefault(sample["metric"], {}).setdefault(sample["arm"], []).append(sample["value"])
    arms = dict.fromkeys(sample["arm"] for sample in samples)
    rows = tuple(
        (
            Cell(*heading(metric)),
            *(_cell(metric, found.get(arm), found.get(reference), arm == reference) for arm in arms),
        )
        for metric, found in values.items()
    )
    return Table(caption, (Column("Measured", numeric=False), *map(Column, arms)), rows, remark)


def _cell(metric: str, samples: list[float] | None, base: list[float] | None, is_reference: bool) -> Cell:
    if not samples:
        return Cell(NOTHING)
    low, middle, high = np.percentile(samples, (25, 50, 75)) * unit(metric).factor
    places = decimals(middle, 3)
    spread = f"[{fixed(low, places)}, {fixed(high, places)}]"
    ratio = f" {TIMES}{fixed(np.median(samples) / np.median(base), 2)}" if base and not is_reference else ""
    return Cell(fixed(middle, places), spread + ratio, float(middle))
