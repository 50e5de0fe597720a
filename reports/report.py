"""Records in, report out: HTML, PDF, JSON and a table of trials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablations import Setting, Study
from bench.system.files import write
from bench.system.text import printable
from reports.document import TITLE, page
from reports.evidence import Evidence, gather
from reports.rendering.html import render_html
from reports.rendering.pdf import render_pdf
from reports.sections.claims import passed
from reports.sections.overview import facts
from reports.statistics.judge import Judgement
from reports.tables.observations import environment


def build(out: Path, studies: Sequence[Study], setting: Setting) -> Sequence[Judgement]:
    """Write report.html, report.pdf, report.json and trials.csv to <out>/reports."""
    evidence = gather(out, studies, setting)
    blocks = page(evidence)
    as_html, as_pdf, as_json, as_csv = files(out)
    write(as_html, render_html(blocks, TITLE).encode())
    write(as_pdf, render_pdf(blocks, TITLE, last(evidence)))
    write(as_json, json.dumps(summary(evidence), indent=2, allow_nan=False).encode())
    write(as_csv, evidence.trials.map(_cell).to_csv(index=False).encode())
    return evidence.judgements


def _cell(value: Any) -> Any:
    """A text on one line, and behind an apostrophe where a spreadsheet would take it for a formula and run it."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def files(out: Path) -> list[Path]:
    """Where a report lies: HTML, PDF, JSON and the table of trials."""
    return [out / "reports" / name for name in ("report.html", "report.pdf", "report.json", "trials.csv")]


def summary(evidence: Evidence) -> dict[str, Any]:
    """The verdicts for machines."""
    controls = [judgement for judgement in evidence.judgements if not judgement.claim.primary]
    return {
        "claims": [
            judgement.as_json() | {"controls": {c.claim.id: passed(c) for c in controls if c.study == judgement.study}}
            for judgement in evidence.judgements
            if judgement.claim.primary
        ],
        "controls": [judgement.as_json() for judgement in controls],
        "run": facts(evidence),
        "environments": environments(evidence),
    }


def environments(evidence: Evidence) -> list[dict[str, Any]]:
    """Each environment that measured something, once."""
    found = {json.dumps(environment(record), sort_keys=True) for record in evidence.records.values()}
    return [json.loads(one) for one in sorted(found)]


def last(evidence: Evidence) -> int:
    """When the last job ended: the same records give the same report, whenever it is made."""
    return int(max((record["ended"] for record in evidence.records.values()), default=0))
