"""Terminal tables of verdicts: a line for each claim, or every claim, robustness check and control with its numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ablations import Contrast, Exact
from reports.evidence import select_kind
from reports.sections.controls import describe_control
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import CheckResult, Outcome
from reports.text.answers import format_numbers, format_result
from reports.text.comparisons import (
    describe_part,
    describe_required,
    describe_requirement,
    format_bounds,
    format_estimate,
    format_pairs,
)
from reports.text.formatting import shorten
from reports.text.reasons import explain_check

SIGNS = {  # sign and style of a verdict; ASCII, because some terminals have neither colours nor other letters
    "supported": ("+", "green"),
    "refuted": ("x", "red"),
    "negligible": ("=", "cyan"),
    "underpowered": ("?", "yellow"),
    "inconclusive": ("?", "yellow"),
    "not testable here": ("-", "magenta"),
    "not run": (".", "dim"),
    "unexpected": ("!", "bold red"),  # a control
}
GAP = 2  # blank columns of the terminal between columns of a table
NUMBERS = "estimate [95 % interval]"
PART_HEADS = "compared", "estimate", "required", "95 % interval", "pairs"
MIN_SENTENCE_WIDTH = 12
MIN_WIDTH_BESIDE_NAMES = 40  # of a sentence; with less room, claims' names give way to their sentences


def list_verdicts(judgements: Sequence[Judgement], width: int) -> Table:
    """List claims, or unexpected controls, in one line each: verdict, sentence, estimate with interval.

    Args:
        judgements: The judgements, in the order of the lines.
        width: Columns of the terminal, to which sentences are cut.
    """
    verdicts = [describe_control(j) if j.claim.kind == "control" else j.verdict for j in judgements]
    marks = [Text(f"{SIGNS[verdict][0]} {verdict}", SIGNS[verdict][1]) for verdict in verdicts]
    columns: dict[str, Sequence[str | Text]] = {"  verdict": marks}
    numbers, names = [format_result(judgement) for judgement in judgements], [j.claim.id for j in judgements]
    room = width - _width("  verdict", marks) - _width(NUMBERS, numbers) - 2 * GAP
    room_beside_names = room - _width("name", names) - GAP
    is_control = any(judgement.claim.kind == "control" for judgement in judgements)  # those have equal sentences
    if is_control or room_beside_names >= MIN_WIDTH_BESIDE_NAMES:
        columns["name"], room = names, room_beside_names
    room = max(room, MIN_SENTENCE_WIDTH)
    columns["claim"] = [shorten(judgement.claim.sentence, room) for judgement in judgements]
    columns[NUMBERS] = numbers
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, no_wrap=True, overflow="crop", max_width=room if heading == "claim" else None)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def tabulate_verdicts(judgements: Sequence[Judgement]) -> Iterator[Table]:
    """Yield tables of claims, those of the literature, preconditions, robustness checks and controls."""
    for heading, kind in (("claim", "claim"), ("from the literature", "literature")):
        rows = [(j.claim.id, j.verdict, *_part_cells(j.main)) for j in select_kind(judgements, kind)]
        yield from _make_table((heading, "verdict", *PART_HEADS), rows)
    requirements = [(j.claim.id, describe_requirement(r)) for j in judgements for r in j.requirements]
    yield from _make_table(("claim", "precondition"), requirements)
    checks = [(j.claim.id, *_check_cells(check)) for j in judgements for check in j.checks]
    heads = "claim", "robustness check", "verdict", NUMBERS, "pairs", "stated setting", "difference of differences"
    yield from _make_table(heads, checks)
    controls = select_kind(judgements, "control")
    rows = [(control.claim.id, describe_control(control), *_control_cells(control)) for control in controls]
    yield from _make_table(("control", "result", *PART_HEADS), rows)


def _make_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Table]:
    """Yield a table unless it is empty."""
    if rows:
        table = Table(*heads, box=None)
        for row in rows:
            table.add_row(*row)
        yield table


def _control_cells(control: Judgement) -> tuple[str, ...]:
    main = control.main
    if isinstance(main.part, Contrast) and control.claim.id.endswith(":a-a"):
        main = replace(main, part=replace(main.part, direction="equal"))  # its contrast states what would be unexpected
    return _part_cells(main)


def _check_cells(check: CheckResult) -> tuple[str, ...]:
    outcome = check.outcome
    return check.name, outcome.verdict, format_numbers(outcome), str(outcome.pairs), *explain_check(check)


def _part_cells(outcome: Outcome) -> tuple[str, ...]:
    part = outcome.part
    pairs = "" if isinstance(part, Exact) else format_pairs(outcome)
    interval = format_bounds(part, outcome.interval)
    return describe_part(part), format_estimate(outcome), describe_required(part), interval, pairs


def _width(heading: str, cells: Sequence[str | Text]) -> int:
    """Width of a column in the columns of a terminal."""
    return max(cell_len(str(cell)) for cell in (heading, *cells))
