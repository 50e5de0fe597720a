"""Files of a report, made from records: HTML, PDF, JSON and a table of trials."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ablations import Setting, Study
from ablations.framework.request import Request
from bench.records import store
from bench.spec.jobs import Trial
from bench.system.files import write
from bench.system.text import printable
from reports.document import NO_VIEWS, build_body, build_opening
from reports.evidence import Evidence, gather
from reports.rendering.blocks import Block, Note
from reports.rendering.glyphs import describe_missing_glyphs
from reports.rendering.html import render_html
from reports.rendering.pdf import render_pdf
from reports.report_schema import VERSION, ComponentJson, ControlJson, EnvironmentJson, ReportJson
from reports.sections.components import count_trials_by_component
from reports.sections.controls import describe_control
from reports.sections.overview import describe_run
from reports.sections.progress import build_progress
from reports.tables.networks import report_title
from reports.tables.observations import get_environment
from reports.verdict_json import judgement_to_json

RELOAD_S = 30  # after which a live page reloads itself
FORMULA = re.compile(r"(^|;)(?=\W*?[=+\-@\uff1d\uff0b\uff0d\uff20])")  # the last four are full-width signs


class Report(NamedTuple):
    """A report that was written.

    Attributes:
        evidence: What it was made from, with the judgements in the order of the studies' claims.
        blocks: All its blocks.
        remark: A remark about letters that cannot be shown, or ''.
    """

    evidence: Evidence
    blocks: Sequence[Block]
    remark: str


def write_report(
    out: Path,
    studies: Sequence[Study],
    setting: Setting,
    trial_counts: tuple[int, int] = (0, 0),
    views: Mapping[str, str] = NO_VIEWS,
) -> Report:
    """Judge the records and write report.html, report.pdf, report.json and trials.csv.

    The same records and views give the same bytes, whenever the report is made.

    Args:
        out: The folder of a run; the files go to its subfolder reports.
        studies: The studies to report on.
        setting: The profile, data, device and seeds that select the records.
        trial_counts: Numbers of trials with a record, and of all trials, which `count_trials` returns.
        views: Address of the page with a study's arms in MLflow, by the study's name.
    """
    evidence = gather(out, studies, setting)
    blocks, remark = _build_blocks(evidence, build_progress(*trial_counts, is_running=False), views)
    last_end_s = int(max((record["ended"] for record in evidence.records.values()), default=0))
    html_file, pdf_file, json_file, csv_file = report_files(out)
    html_file.parent.mkdir(exist_ok=True)
    title = report_title(evidence.placed)
    write(html_file, render_html(blocks, title).encode())
    write(pdf_file, render_pdf(blocks, title, last_end_s))
    write(json_file, json.dumps(export_verdicts(evidence), indent=2, allow_nan=False).encode())
    write(csv_file, evidence.trials.map(_csv_cell).rename(columns=_csv_cell).to_csv(index=False).encode())
    return Report(evidence, blocks, remark)


def write_live_report(request: Request, out: Path) -> None:
    """Write report.html of a run in progress, which says so; the other files stay as the last whole report left them.

    Args:
        request: The studies to report on, and the setting that selects their records.
        out: The folder of the run.
    """
    progress = build_progress(*count_trials(request, out), is_running=True)
    evidence = gather(out, request.studies, request.setting)
    blocks, _ = _build_blocks(evidence, progress)
    write(report_files(out)[0], render_html(blocks, report_title(evidence.placed), RELOAD_S).encode())


def count_trials(request: Request, out: Path) -> tuple[int, int]:
    """Count the trials that have a record, and all trials of the request, those that tuning will add included."""
    whole_request = request.with_tuned_levels(lambda trial: store.read(out, trial), True)
    trials = {place.job for place in whole_request.placed_jobs() if isinstance(place.job, Trial)}
    return sum(store.path(out, trial).exists() for trial in trials), len(trials)


def _build_blocks(
    evidence: Evidence, progress: list[Note], views: Mapping[str, str] = NO_VIEWS
) -> tuple[list[Block], str]:
    """Build all blocks, the note on progress before the other notes; return them, and the remark about letters."""
    body = build_body(evidence, views)
    remark = describe_missing_glyphs([*build_opening(evidence), *body])
    title, lead, *notes = build_opening(evidence, remark)
    return [title, lead, *progress, *notes, *body], remark


def _csv_cell(value: Any) -> Any:
    """Put text on one line; an apostrophe precedes what a spreadsheet would run as a formula.

    Spreadsheets pass over leading spaces, and some end a cell at a semicolon.
    """
    return FORMULA.sub(r"\1'", printable(value)) if isinstance(value, str) else value


def report_files(out: Path) -> list[Path]:
    """Paths of a run's report: HTML, PDF, JSON and the table of trials."""
    return [out / "reports" / name for name in ("report.html", "report.pdf", "report.json", "trials.csv")]


def export_verdicts(evidence: Evidence) -> ReportJson:
    """The content of report.json."""
    controls: list[ControlJson] = [
        {**judgement_to_json(control), "result": describe_control(control)} for control in evidence.controls
    ]
    components: list[ComponentJson] = [
        {"study": study.name, "kind": item.kind, "name": item.name, "digest": item.digest, "trials": trials}
        for study in evidence.studies
        for item, trials in zip(study.components, count_trials_by_component(study, evidence), strict=True)
    ]
    return {
        "version": VERSION,
        "claims": [judgement_to_json(judgement) for judgement in (*evidence.claims, *evidence.literature)],
        "controls": controls,
        "run": describe_run(evidence),
        "environments": _list_environments(evidence),
        "components": components,
    }


def _list_environments(evidence: Evidence) -> list[EnvironmentJson]:
    texts = {json.dumps(get_environment(record), sort_keys=True) for record in evidence.records.values()}
    return [json.loads(text) for text in sorted(texts)]
