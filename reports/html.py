"""Blocks to one HTML file that opens offline."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.blocks import Block, Figure, Heading, kind


def html(blocks: Sequence[Block], title: str) -> str:
    """Names are text wherever they stand: only the figures' SVG is let through unescaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": kind, "anchor": anchor, "svg": svg}
    chapters = [block.text for block in blocks if isinstance(block, Heading) and block.level == 2]
    return environment.get_template("report.html.j2").render(title=title, blocks=blocks, chapters=chapters)


def anchor(text: str) -> str:
    """What a link to a chapter or a claim ends in."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def svg(figure: Figure) -> Markup:
    """The SVG with its alternative text, inlined."""
    label = Markup.escape(figure.alt)
    return Markup(figure.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))
