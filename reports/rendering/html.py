"""Blocks to one HTML file that opens offline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.rendering.blocks import Block, Figure, Heading, Verdicts, kind


def html(blocks: Sequence[Block], title: str) -> str:
    """Names are text wherever they stand: only the figures' SVG is let through unescaped."""
    environment = Environment(
        loader=PackageLoader("reports.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": kind, "anchor": anchor, "svg": svg}
    anchored = list(zip(blocks, anchors(blocks), strict=True))
    chapters = [(own[0], block.text) for block, own in anchored if isinstance(block, Heading) and own]
    return environment.get_template("report.html.j2").render(title=title, blocks=anchored, chapters=chapters)


def anchors(blocks: Sequence[Block]) -> list[list[str]]:
    """An anchor for each chapter and for each line of claims: the same one for a claim in brief and in full.

    Names that read alike without their signs, and claims of two studies that are called the same, have different ones.
    """
    given: dict[tuple[str, int], str] = {}
    met: Counter[tuple[str, bool]] = Counter()
    found = []
    for block in blocks:
        own = []
        for name, brief in _named(block):
            met[name, brief] += 1
            which = name, met[name, brief]
            if which not in given:
                alike, taken = anchor(name) or "chapter", set(given.values())
                tries = (alike, *(f"{alike}-{number}" for number in range(2, len(taken) + 3)))
                given[which] = next(one for one in tries if one not in taken)
            own.append(given[which])
        found.append(own)
    return found


def _named(block: Block) -> Iterator[tuple[str, bool]]:
    """What a block has anchors for, and whether it leads there or stands there."""
    if isinstance(block, Heading) and block.level == 2:
        yield block.text, False
    elif isinstance(block, Verdicts):
        yield from ((f"claim {line.name}", block.brief) for line in block.lines)


def anchor(text: str) -> str:
    """The text's letters and digits: what a link can end in."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def svg(figure: Figure) -> Markup:
    """The SVG with its alternative text, inlined."""
    label = Markup.escape(figure.alt)
    return Markup(figure.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))
