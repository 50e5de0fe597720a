"""Terminal output of a report: its verdicts, and their comparison with a stored report."""

import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ablations.framework.claim import KINDS
from ablations.framework.request import Request
from reports import check
from reports.document import NO_VIEWS
from reports.evidence import gather, select_kind
from reports.next_step import NextStep
from reports.report import Report, count_trials, export_verdicts, report_files, write_report
from reports.sections.claims import count_verdicts, summarise_checks
from reports.sections.controls import ControlResult, describe_control, describe_unexpected
from reports.sections.progress import build_progress
from reports.statistics.claim_verdicts import Judgement
from reports.text.formatting import pluralize, shorten
from reports.verdict_tables import list_verdicts, tabulate_verdicts

MAX_LISTED = 5  # controls that are listed one by one
LABEL, INDENT, CONTINUED = "Next:   ", "        ", " \\"  # a shell continues a line that ends in a backslash
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NOT_MEASURED = ("not_measured", "not_counted")
CONTROL_RESULTS: Mapping[ControlResult, str] = {  # in words
    "as it should": "as expected",
    "unexpected": "not as expected",
    "undecided": "undecided (too few pairs)",
    "not run": "not run",
}


def show_report(
    request: Request, out: Path, console: Console, verbose: bool = False, views: Mapping[str, str] = NO_VIEWS
) -> Report:
    """Write the report; print verdicts, robustness checks, controls, notes and the paths of what to read.

    Args:
        request: The studies to report on, and the setting that selects their records.
        out: The folder of the run.
        console: Console to print to.
        verbose: Whether each claim and control is also printed with all its numbers.
        views: Address of the page with a study's arms in MLflow, by the study's name.
    """
    trial_counts = count_trials(request, out)
    report = write_report(out, request.studies, request.setting, trial_counts, views)
    judgements = report.evidence.judgements
    for table in tabulate_verdicts(judgements) if verbose else ():
        console.print("", table)
    claims, literature, controls = (select_kind(judgements, kind) for kind in KINDS)
    data, profile = request.setting.data.name, request.setting.profile.name
    console.print()
    _print_wrapped(console, f"{pluralize(len(claims), 'claim')} on {data}, profile {profile}", "bold")
    _print_claims(claims, console)
    console.print()
    if literature:
        _print_wrapped(console, f"From the literature: {_join_counts(literature)}")
    if checks := summarise_checks(judgements):
        _print_wrapped(console, checks)
    _print_controls(controls, console)
    for progress in build_progress(*trial_counts, is_running=False):
        _print_wrapped(console, f"{progress.title}. {progress.text}", "bold yellow")
    if request.setting.profile.name == "smoke":
        _print_wrapped(console, "Not a result: the smoke profile only shows that the harness works.", "bold yellow")
    if warning := describe_unexpected(controls):
        _print_wrapped(console, f"Unexpected control: {warning}", "bold yellow")
    for remark in filter(None, (request.source.note, report.remark)):
        note = f"Note: {remark}"  # whole in the report and in a file
        console.print(shorten(note, console.width) if console.is_terminal else note, style="bold yellow")
    html_file, pdf_file, *_ = report_files(out)
    console.print()
    console.print(f"Report: {html_file}")
    console.print(f"PDF:    {pdf_file}")
    return report


def show_next_step(step: NextStep, command: str, console: Console) -> None:
    """Print the further run and what it does.

    Args:
        step: The further run.
        command: Its command line, with no-break spaces within words; '' if it is not known.
        console: Console to print to.
    """
    repetition = f"the same run{f' with {step.option}' if step.option else ''}"
    lines = _wrap(console, command or repetition, room=len(LABEL) + len(CONTINUED))
    for number, line in enumerate(lines, 1):
        console.print(f"{LABEL if number == 1 else INDENT}{line}{CONTINUED if number < len(lines) else ''}")
    for line in _wrap(console, step.effect, room=len(INDENT)):
        console.print(f"{INDENT}{line}")


def _print_wrapped(console: Console, text: str, style: str = "") -> None:
    for line in _wrap(console, text):
        console.print(line, style=style)


def _wrap(console: Console, text: str, room: int = 0) -> list[str]:
    """Break a text between words into the lines of a terminal; in a file it stays one line.

    Args:
        console: Console that the lines are for.
        text: The text; it is not broken at a no-break space, which becomes a space.
        room: Columns of each line to keep free.
    """
    width = max(1, console.width - room) if console.is_terminal else sys.maxsize
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace(NO_BREAK_SPACE, " ") for line in lines]


def _print_claims(claims: Sequence[Judgement], console: Console) -> None:
    """Print the number of claims with each verdict, a line for each measured one, and a line of the others' names."""
    measured = [judgement for judgement in claims if _is_measured(judgement)]
    names_not_run = [judgement.claim.id for judgement in claims if not _is_measured(judgement)]
    if measured:
        _print_wrapped(console, _join_counts(claims))
        console.print()
        console.print(list_verdicts(measured, console.width))
    if names_not_run:
        console.print(shorten(f"not run: {', '.join(names_not_run)}", console.width))


def _join_counts(judgements: Sequence[Judgement]) -> str:
    return ", ".join(count.replace(" ", NO_BREAK_SPACE) for count in count_verdicts(judgements))


def _is_measured(judgement: Judgement) -> bool:
    return judgement.verdict != "not run" or judgement.main.reason not in NOT_MEASURED


def _print_controls(controls: Sequence[Judgement], console: Console) -> None:
    """Print one line, and a line for each unexpected control."""
    if not controls:
        return
    tally = Counter(map(describe_control, controls))
    results = ", ".join(f"{tally[result]} {words}" for result, words in CONTROL_RESULTS.items() if tally[result])
    unexpected = [control for control in controls if describe_control(control) == "unexpected"]
    _print_wrapped(console, f"Controls: {results}", "bold red" if unexpected else "")
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
