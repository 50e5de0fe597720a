"""Answers of probes as tables of medians; answers by threshold also as a figure."""

import pandas as pd

from bench.spec.jobs import Probe
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Figure
from reports.rendering.line_plots import draw_responses
from reports.rendering.plot_style import Axis
from reports.sections.timings import tabulate_samples
from reports.statistics import summary
from reports.tables.observations import SAMPLE_COLUMNS, Record, list_samples, select_finished


def build_probes(evidence: Evidence) -> list[Block]:
    """Build a table of all answers for each question of each study."""
    answers: dict[tuple[str, str], list[Record]] = {}
    for place, record in select_finished(evidence.placed, evidence.records):
        if isinstance(place.job, Probe):
            answers.setdefault((place.study, place.job.question), []).extend(list_samples(place, record))
    blocks: list[Block] = []
    for (study, question), answer in answers.items():
        samples = pd.DataFrame(answer, columns=SAMPLE_COLUMNS)
        if question == "activity":
            blocks.append(_draw_thresholds(study, samples))
        blocks.append(tabulate_samples(samples, f"{study}: {question}"))
    return blocks


def _draw_thresholds(study: str, samples: pd.DataFrame) -> Figure:
    table = samples.assign(x=samples["metric"].str.rpartition("/")[2].astype(float))
    table = summary.average_by(table, ("arm", "x")).rename(columns={"arm": "series"}).assign(metric="above")
    axis, x = Axis("above", "Share of activations above, %", 100), Axis("threshold", "Threshold")
    drawing = draw_responses(table, [axis], x, False, f"{study}-activity")
    return Figure(*drawing, "The share of active units depends on the threshold where an activation is never zero.")
