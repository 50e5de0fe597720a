"""Blocks that a report is made of; `html` and `pdf` each render a list of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (the report's title), 2 (a chapter) or 3 (a section)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Contents:
    """The place of the table of contents."""

    title: str


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead` marks one that opens a chapter and is set larger."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Link:
    """A paragraph that leads to an address."""

    text: str
    address: str


@dataclass(frozen=True)
class Items:
    """An unordered list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and its description; with `verdicts` the terms are verdicts, shown in their colours."""

    facts: tuple[tuple[str, str], ...]
    verdicts: bool = False


@dataclass(frozen=True)
class Note:
    """A remark set apart from the text; `prominent` marks one that changes how the whole report is read."""

    title: str
    text: str
    prominent: bool = False


@dataclass(frozen=True)
class ClaimLine:
    """A claim on a card.

    Attributes:
        verdict: One of `reports.statistics.claim_verdicts.VERDICTS`.
        name: The claim's id.
        sentence: The claim itself.
        measured: For each stated comparison, pairs of a label and a value: estimate, interval, number of pairs, ...
        details: Pairs of a label and a text: setting, preconditions, published results, reason of the verdict.
    """

    verdict: str
    name: str
    sentence: str
    measured: tuple[tuple[tuple[str, str], ...], ...]
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Verdicts:
    """Cards of claims with their verdicts."""

    lines: tuple[ClaimLine, ...]


@dataclass(frozen=True)
class Answer:
    """The answer to a topic.

    Attributes:
        topic: The topic.
        verdict: Verdict on its first claim.
        sentence: What was measured for that claim, in plain words.
        chapter: Heading of the chapter about it.
        others: Name and verdict of each other claim.
    """

    topic: str
    verdict: str
    sentence: str
    chapter: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answers:
    """The answers to all topics, each linked to its chapter, and pairs of a term and a condition that holds for all."""

    answers: tuple[Answer, ...]
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: One line or several.
        detail: A last line in smaller type.
        sort: The number that the column is sorted by; None to sort by the text.
        best: Whether it is marked as the best of its column.
        verdict: A verdict to show in its colours in place of the text, or empty.
    """

    text: str
    detail: str = ""
    sort: float | None = None
    best: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column: its label, its unit, and whether it holds numbers."""

    label: str
    unit: str = ""
    numeric: bool = True


def make_columns(*heads: str | tuple[str, str], text: int = 1) -> tuple[Column, ...]:
    """Make columns of labels, or of pairs of label and unit; the first `text` of them hold text, the others numbers."""
    labels = [(head, "") if isinstance(head, str) else head for head in heads]
    return tuple(Column(label, unit, place >= text) for place, (label, unit) in enumerate(labels))


@dataclass(frozen=True)
class Table:
    """A table whose first column names the row.

    Attributes:
        caption: The title above it.
        columns: Heads, one per column.
        rows: Cells of shape (rows, columns).
        remark: How to read it, shown below it.
        sum_rows: Number of rows at the end that are sums; they stay last when the table is sorted.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remark: str = ""
    sum_rows: int = 0


@dataclass(frozen=True)
class Figure:
    """A figure: its SVG, a description in words for readers who cannot see it, and its caption."""

    svg: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Code:
    """A text of Python code, and what it defines."""

    title: str
    text: str


Block = Heading | Contents | Text | Link | Items | Facts | Note | Verdicts | Answers | Table | Figure | Code


def block_kind(block: Block) -> str:
    """Name of the block's class in lower case, by which the templates select how to show it."""
    return type(block).__name__.lower()
