"""Terminal output of a report: its verdicts, and their comparison with a stored report."""

import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ablations.framework.request import Request
from reports import check
from reports.evidence import gather
from reports.next_step import NextStep
from reports.report import export_verdicts, report_files, write_report
from reports.sections.claims import describe_control, describe_unexpected
from reports.statistics.claim_verdicts import VERDICTS, Judgement
from reports.text.formatting import pluralize, shorten
from reports.verdict_tables import list_verdicts, tabulate_verdicts

MAX_LISTED = 5  # controls that are listed one by one
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NOT_MEASURED = ("not_measured", "not_counted")
CONTROL_RESULTS = {  # of `describe_control`, in words
    "as it should": "as expected",
    "unexpected": "not as expected",
    "undecided": "undecided (too few pairs)",
    "not run": "not run",
}


def show_report(request: Request, out: Path, console: Console, verbose: bool = False) -> Sequence[Judgement]:
    """Write the report; print verdicts, controls, notes and the paths of what to read.

    Args:
        request: The studies to report on, and the setting that selects their records.
        out: The folder of the run.
        console: Console to print to.
        verbose: Whether each claim and control is also printed with all its numbers.

    Returns:
        The judgements, in the order of the studies' claims.
    """
    judgements, glyph_remark = write_report(out, request.studies, request.setting)
    for table in tabulate_verdicts(judgements) if verbose else ():
        console.print("", table)
    claims = [judgement for judgement in judgements if judgement.claim.primary]
    controls = [judgement for judgement in judgements if not judgement.claim.primary]
    data, profile = request.setting.data.name, request.setting.profile.name
    console.print()
    print_wrapped(console, f"{pluralize(len(claims), 'claim')} tested on {data}, profile {profile}", "bold")
    _print_claims(claims, console)
    _print_controls(controls, console)
    if request.setting.profile.name == "smoke":
        print_wrapped(console, "Not a result: the smoke profile only shows that the harness works.", "bold yellow")
    if warning := describe_unexpected(controls):
        print_wrapped(console, f"Unexpected control: {warning}", "bold yellow")
    for remark in filter(None, (request.source.note, glyph_remark)):
        print_wrapped(console, f"Note: {remark}", "bold yellow")
    html_file, pdf_file, *_ = report_files(out)
    console.print()
    console.print(f"Report: {html_file}")
    console.print(f"PDF:    {pdf_file}")
    return judgements


def show_next_step(step: NextStep, command: str, console: Console) -> None:
    """Print the further run and what it does.

    Args:
        step: The further run.
        command: Its command line; '' if it is not known.
        console: Console to print to.
    """
    repetition = f"the same run{f' with {step.option}' if step.option else ''}"
    console.print(f"Next:   {command or repetition}")
    print_wrapped(console, step.effect, indent=" " * 8)


def print_wrapped(console: Console, text: str, style: str = "", indent: str = "") -> None:
    """Print a text that a terminal breaks between words; in a file it stays one line.

    Args:
        console: Console to print to.
        text: The text; it is not broken at a no-break space, which is printed as a space.
        style: Style of the text.
        indent: Blanks before every line.
    """
    width = console.width if console.is_terminal else sys.maxsize
    wrapper = textwrap.TextWrapper(width, indent, indent, break_long_words=False, break_on_hyphens=False)
    for line in wrapper.wrap(text):
        console.print(line.replace(NO_BREAK_SPACE, " "), style=style)


def _print_claims(claims: Sequence[Judgement], console: Console) -> None:
    """Print the number of claims with each verdict, a line for each that was measured, and a line for the others."""
    tally = Counter(judgement.verdict for judgement in claims)
    counts = [f"{tally[verdict]} {verdict}".replace(" ", NO_BREAK_SPACE) for verdict in VERDICTS if tally[verdict]]
    print_wrapped(console, ", ".join(counts))
    console.print()
    names_not_run = [judgement.claim.id for judgement in claims if judgement.main.reason in NOT_MEASURED]
    measured = [judgement for judgement in claims if judgement.main.reason not in NOT_MEASURED]
    if measured:
        console.print(list_verdicts(measured, console.width))
    if names_not_run:
        label = f"{len(names_not_run)} not run: "
        console.print(label + shorten(", ".join(names_not_run), console.width - len(label)))


def _print_controls(controls: Sequence[Judgement], console: Console) -> None:
    """Print one line, and a line for each unexpected control."""
    if not controls:
        return
    tally = Counter(map(describe_control, controls))
    results = ", ".join(f"{tally[result]} {words}" for result, words in CONTROL_RESULTS.items() if tally[result])
    unexpected = [control for control in controls if describe_control(control) == "unexpected"]
    console.print()
    print_wrapped(console, f"Controls: {results}", "bold red" if unexpected else "")
    if unexpected:
        console.print(list_verdicts(unexpected[:MAX_LISTED], console.width))


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
