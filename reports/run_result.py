"""The result of a run for a notebook or a script: data frames, and figures that show themselves."""

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from reports.evidence import Evidence
from reports.rendering.blocks import Figure, Note
from reports.rendering.html import make_environment
from reports.rendering.plot_style import VERDICT_STYLES
from reports.report import Report, export_verdicts, report_files
from reports.sections.answer import CAPTION
from reports.sections.overview import describe_report
from reports.text.answers import format_result

NUMBERS = ("estimate", "low", "high", "margin", "p_holm")
COLUMNS = (
    "study", "id", "sentence", "verdict", "estimate", "low", "high", "margin", "unit", "pairs", "p_holm", "reason",
    "kind",
)  # fmt: skip
LINK = re.compile("<a [^>]*>|</a>")  # to a card of the report's page


class ReportFiles(NamedTuple):
    """Paths of a report's files: the page, the same as PDF, all numbers of the verdicts, the table of trials."""

    html: Path
    pdf: Path
    json: Path
    csv: Path


@dataclass(frozen=True)
class ResultFigure:
    """A figure of the report, which a notebook shows with its caption.

    Attributes:
        svg: The figure, to be written to a file or shown elsewhere.
        alt: What it shows, in words.
        caption: Its caption.
    """

    svg: str
    alt: str
    caption: str

    def __repr__(self) -> str:
        return f"<figure: {self.caption}>"

    def _repr_html_(self) -> str:
        """Return the figure as an image: pages that remove SVG, as of a notebook by someone else, keep those."""
        data = base64.b64encode(self.svg.encode()).decode()
        return make_environment().get_template("figure.html.j2").render(figure=self, data=data)


@dataclass(frozen=True)
class RunResult:
    """What a run has found; a notebook shows the verdicts, the claims' figure and links to the report.

    Attributes:
        trials: One row per trial, as in trials.csv.
        verdicts: One row per claim with the numbers that decided, as in report.json: the estimate and its 95 %
            interval (low, high) in the unit, the margin, the pairs, p after Holm's correction, and the reason. Claims
            from the literature have the kind 'literature'.
        figures: The report's figures; that of all claims comes first.
        report: Paths of the report's files.
    """

    trials: pd.DataFrame
    verdicts: pd.DataFrame
    figures: Sequence[ResultFigure]
    report: ReportFiles
    _evidence: Evidence
    _notes: Sequence[Note]

    def __repr__(self) -> str:
        return f"<result: {describe_report(self._evidence)} Report: {self.report.html}>"

    def _repr_html_(self) -> str:
        """Return the table of verdicts, the figure of all claims, and links to the report's files."""
        folder = os.getcwd()  # links are relative to the notebook, where a server finds files
        judgements = [*self._evidence.claims, *self._evidence.literature]
        template = make_environment().get_template("result.html.j2")
        return template.render(
            title=describe_report(self._evidence),
            notes=self._notes,
            rows=[(judgement, VERDICT_STYLES[judgement.verdict], format_result(judgement)) for judgement in judgements],
            figures=[Markup(figure._repr_html_()) for figure in self.figures if figure.caption == CAPTION],
            files=[(file.name, os.path.relpath(file, folder)) for file in self.report],
        )


def make_result(report: Report, out: Path) -> RunResult:
    """Make the result of a run.

    Args:
        report: The report that was written.
        out: The folder of the run.
    """
    figures = [block for block in report.blocks if isinstance(block, Figure)]
    return RunResult(
        report.evidence.trials,
        _tabulate_verdicts(report.evidence),
        [ResultFigure(LINK.sub("", figure.svg), figure.alt, figure.caption) for figure in figures],
        ReportFiles(*(file.absolute() for file in report_files(out))),
        report.evidence,
        [block for block in report.blocks if isinstance(block, Note)],
    )


def _tabulate_verdicts(evidence: Evidence) -> pd.DataFrame:
    """Tabulate the claims of report.json, one row each."""
    rows = []
    for claim in export_verdicts(evidence)["claims"]:
        low, high = claim["interval"] or (None, None)
        rows.append({**claim, "low": low, "high": high})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, float))
