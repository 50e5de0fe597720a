"""Terminal tables of verdicts: a line for each claim, or every claim and control with all its numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ablations import Contrast, Exact
from reports.sections.claims import describe_control
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.comparisons import describe_part, describe_requirement, format_estimate, format_pairs
from reports.text.formatting import format_interval, shorten

SIGNS = {  # sign and style of a verdict; ASCII, because some terminals have neither colours nor other letters
    "supported": ("+", "green"),
    "refuted": ("x", "red"),
    "no effect": ("=", "cyan"),
    "underpowered": ("?", "yellow"),
    "inconclusive": ("?", "yellow"),
    "conditional": ("~", "magenta"),
    "not run": (".", "dim"),
    "unexpected": ("!", "bold red"),  # a control
}
GAP = 2  # blank columns of the terminal between columns of a table
NUMBERS = "estimate [95 % interval]"
MIN_SENTENCE_WIDTH = 12
MIN_WIDTH_WITH_NAMES = 110  # narrower terminals need the room of the claims' names for their sentences


def list_verdicts(judgements: Sequence[Judgement], width: int) -> Table:
    """List claims, or unexpected controls, in one line each: verdict, sentence, estimate with interval.

    Args:
        judgements: The judgements, in the order of the lines.
        width: Columns of the terminal, to which sentences are cut.
    """
    verdicts = [j.verdict if j.claim.primary else describe_control(j) for j in judgements]
    marks = [Text(f"{SIGNS[verdict][0]} {verdict}", SIGNS[verdict][1]) for verdict in verdicts]
    columns: dict[str, Sequence[str | Text]] = {"  verdict": marks}
    if width >= MIN_WIDTH_WITH_NAMES or not all(judgement.claim.primary for judgement in judgements):
        columns["name"] = [judgement.claim.id for judgement in judgements]  # controls of a kind have equal sentences
    numbers = [_format_numbers(judgement.main) for judgement in judgements]
    room = width - sum(_width(heading, cells) + GAP for heading, cells in (*columns.items(), (NUMBERS, numbers)))
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


def _width(heading: str, cells: Sequence[str | Text]) -> int:
    """Width of a column in the columns of a terminal."""
    return max(cell_len(str(cell)) for cell in (heading, *cells))


def _format_numbers(outcome: Outcome) -> str:
    """Format the estimate of a part with its 95 % interval, if it has one."""
    interval = format_interval(outcome.interval) if outcome.interval else ""
    return f"{format_estimate(outcome)} {interval}".strip()
