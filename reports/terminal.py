"""Terminal output of a report: its verdicts, and their comparison with a stored report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ablations import Contrast, Exact
from ablations.framework.request import Request
from reports import check
from reports.evidence import gather
from reports.report import export_verdicts, report_files, write_report
from reports.sections.claims import describe_control, describe_unexpected
from reports.statistics.claim_verdicts import Judgement
from reports.text.comparisons import describe_part, describe_requirement, format_estimate, format_pairs
from reports.text.formatting import format_interval


def show_report(request: Request, out: Path, console: Console) -> list[Path]:
    """Write the report, and print its verdicts and the paths of its files.

    Args:
        request: The studies to report on, and the setting that selects their records.
        out: The folder of the run.
        console: Console to print to.

    Returns:
        The report's files.
    """
    judgements, glyph_remark = write_report(out, request.studies, request.setting)
    for table in _tabulate(judgements):
        console.print(table, "")
    if request.setting.profile.name == "smoke":
        console.print("Not a result: the smoke profile only shows that the harness works.", style="bold yellow")
    if warning := describe_unexpected([judgement for judgement in judgements if not judgement.claim.primary]):
        console.print(f"Unexpected control: {warning}", style="bold yellow")
    for remark in filter(None, (request.source.note, glyph_remark)):
        console.print(f"Note: {remark}", style="bold yellow")
    for file in report_files(out):
        console.print(str(file))
    return report_files(out)


def check_report(request: Request, file: Path, out: Path, console: Console) -> int:
    """Judge the records again and print each verdict that differs from a stored report's; write nothing.

    Args:
        request: The studies to report on, and the setting that selects their records.
        file: The stored report.json.
        out: The folder of the run.
        console: Console to print to.

    Returns:
        Exit status: 0 if all verdicts are the same, else 1.
    """
    stored = check.read_verdicts(file)
    current = check.collect_verdicts(export_verdicts(gather(out, request.studies, request.setting)))
    differences = check.compare_verdicts(stored, current)
    for line in differences:
        console.print(line, style="red")
    if not differences:
        console.print(f"All {len(current)} verdicts are the same as in {file}.")
    return 1 if differences else 0


def _tabulate(judgements: Sequence[Judgement]) -> Iterator[Table]:
    """Yield a table of the claims and one of the controls, each row with the part that decided."""
    for heading, primary in (("claim", True), ("control", False)):
        table = Table(heading, "verdict", "compared", "estimate", "required", "95 % interval", "pairs", box=None)
        for judgement in (judgement for judgement in judgements if judgement.claim.primary is primary):
            main, verdict = judgement.main, judgement.verdict if primary else describe_control(judgement)
            required = main.part
            if isinstance(required, Contrast) and judgement.claim.id.endswith(":a-a"):
                required = replace(required, direction="equal")  # its contrast states what would be unexpected
            numbers = format_estimate(main), describe_requirement(required), format_interval(main.interval)
            pairs = "" if isinstance(main.part, Exact) else format_pairs(main)
            table.add_row(judgement.claim.id, verdict, describe_part(main.part), *numbers, pairs)
        yield table
