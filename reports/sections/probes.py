"""Answers of probes, as tables of medians and a figure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.spec.jobs import Probe
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Figure
from reports.rendering.line_plots import draw_responses
from reports.rendering.plot_style import Axis
from reports.sections.timings import HOW, tabulate_samples
from reports.statistics import summary
from reports.tables.observations import Record, finished, samples


def build_probes(evidence: Evidence) -> list[Block]:
    answers: dict[tuple[str, str], list[Record]] = {}
    for place, record in finished(evidence.placed, evidence.records):
        if isinstance(place.job, Probe):
            answers.setdefault((place.study, place.job.question), []).extend(samples(record, place.arm))
    return [block for (study, question), rows in answers.items() for block in _build_answers(study, question, rows)]


def _build_answers(study: str, question: str, samples: Sequence[Record]) -> list[Block]:
    """All answers to the question as a table; those by thresholds as a figure too."""
    table = tabulate_samples(samples, f"{study}: {question}", f"{HOW}.", "")
    return [table] if question != "activity" else [_thresholds(study, samples), table]


def _thresholds(study: str, samples: Sequence[Record]) -> Figure:
    found = pd.DataFrame(samples)
    found["x"] = found["metric"].str.rpartition("/")[2].astype(float)
    table = summary.by_arm(found, ("arm", "x")).rename(columns={"arm": "series"})
    shown, label = Axis("above", "Share of activations above, %", 100), "Threshold"
    drawing = draw_responses(table.assign(metric="above"), [shown], Axis(label, label), False, f"{study}-activity")
    return Figure(*drawing, "What 'active' means depends on the threshold where an activation is never exactly zero.")
