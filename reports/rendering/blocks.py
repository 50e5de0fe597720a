"""What a report is made of: a list of blocks, which `html` and `pdf` each show in their own way."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

ACTING = {*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)}
ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in ACTING - {ord("\n")}}


@dataclass(frozen=True)
class Heading:
    """level: 1 is the report's title, 2 a chapter, 3 a section."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Contents:
    """Where the list of contents stands."""

    title: str


@dataclass(frozen=True)
class Text:
    """A paragraph. lead: one that opens a chapter, set larger."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Items:
    """An unordered list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Terms with what they stand for. verdicts: whether the terms are verdicts, and wear their colours."""

    facts: tuple[tuple[str, str], ...]
    verdicts: bool = False


@dataclass(frozen=True)
class Note:
    """A remark that must not be overlooked. loud: one that changes how all the rest is to be read."""

    title: str
    text: str
    loud: bool = False


@dataclass(frozen=True)
class Line:
    """A claim in one line. measured: estimate, interval and number of pairs, each with its label."""

    verdict: str
    name: str
    sentence: str
    measured: tuple[tuple[str, str], ...]
    reason: str = ""


@dataclass(frozen=True)
class Verdicts:
    """Claims with their verdicts. brief: a list whose lines lead to where each claim is shown in full."""

    lines: tuple[Line, ...]
    brief: bool = False


@dataclass(frozen=True)
class Cell:
    """text: one line or several. detail: a last line in smaller type. sort: what to sort by. best: of its column."""

    text: str
    detail: str = ""
    sort: float | None = None
    best: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class Column:
    label: str
    unit: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """The first column names the row. remark: how to read it, below it. sums: how many last rows are sums
    of those above: they stay last when the table is sorted."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remark: str = ""
    sums: int = 0


@dataclass(frozen=True)
class Figure:
    """An SVG. alt: what it shows, in words, for those who cannot see it."""

    svg: str
    alt: str
    caption: str


Block = Heading | Contents | Text | Items | Facts | Note | Verdicts | Table | Figure


def visible(value: Any) -> Any:
    """A block, or any part of one, with the signs in its text that act instead of being seen as their escapes.

    One that turns the direction of text would mirror whatever stands behind a name.
    """
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, tuple):
        return tuple(map(visible, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{name: visible(part) for name, part in vars(value).items()})
    return value


def kind(block: Block) -> str:
    return type(block).__name__.lower()
