"""The report as a person at a terminal sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablations import Exact
from ablations.framework.request import Request
from reports import check
from reports.evidence import gather
from reports.report import build, files
from reports.sections.claims import passed
from reports.statistics.judge import Judgement
from reports.statistics.verdicts import estimate, paired
from reports.text.comparisons import claimed_effect, claimed_range, describe_part
from reports.text.formatting import format_interval


def report(request: Request, out: Path, console: Console) -> list[Path]:
    """Write the report; end with the verdicts and where everything is. Returns the files."""
    for table in tables(build(out, request.studies, request.setting)):
        console.print(table, "")
    if request.setting.profile.name == "smoke":
        console.print(Text("Not a result: the smoke profile only shows that the machinery works.", style="bold yellow"))
    if request.source.note:
        console.print(Text(f"Note: {request.source.note}", style="bold yellow"))
    for file in files(out):
        console.print(str(file), soft_wrap=True, highlight=False)
    return files(out)


def compare(request: Request, file: Path, out: Path, console: Console) -> int:
    """Judge again and write nothing; exit status 1 where a verdict is not the stored one."""
    before = check.stored(file)
    now = check.present(gather(out, request.studies, request.setting).judgements)
    changed = check.changed(before, now)
    for line in changed:
        console.print(Text(line, style="red"), soft_wrap=True)
    if not changed:
        console.print(Text(f"all {len(now)} verdicts are those in {file}"), soft_wrap=True)
    return 1 if changed else 0


def tables(judgements: Sequence[Judgement]) -> Iterator[Table]:
    """A line a claim, then a line a control; what is shown is the part that decided, or the first where several did."""
    for heading, primary in (("claim", True), ("control", False)):
        table = Table(heading, "verdict", "shown", "estimate", "asked for", "95 % interval", "pairs", box=None)
        for judged in (found for found in judgements if found.claim.primary is primary):
            main, verdict = judged.main, judged.verdict if primary else passed(judged)
            pairs = "" if isinstance(main.part, Exact) else paired(main)
            wanted = claimed_range(main.part) if isinstance(main.part, Exact) else claimed_effect(main.part)
            found = estimate(main), wanted, format_interval(main.interval), pairs
            table.add_row(*map(Text, (judged.claim.id, verdict, describe_part(main.part), *found)))
        yield table
