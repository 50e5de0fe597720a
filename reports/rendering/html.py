"""Rendering of blocks as one HTML file that opens offline."""

import re
from collections.abc import Sequence
from itertools import count
from typing import TypeGuard

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.rendering.blocks import Answers, Block, Figure, Heading, Verdicts, block_kind
from reports.rendering.plot_style import VERDICT_STYLES


def render_html(blocks: Sequence[Block], title: str, reload_s: int = 0) -> str:
    """Render blocks as one HTML page; all text is escaped, and only the figures' SVG is inserted as markup.

    Args:
        blocks: The report.
        title: The page's title.
        reload_s: Seconds after which the page reloads itself; 0 for never.
    """
    loader = PackageLoader("reports.rendering")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"kind": block_kind, "slug": _slug, "svg": _inline_svg}
    anchored = list(zip(blocks, _assign_anchors(blocks), strict=True))
    chapters = [(anchors[0], block.text) for block, anchors in anchored if isinstance(block, Heading) and anchors]
    environment.globals["styles"] = VERDICT_STYLES
    template = environment.get_template("report.html.j2")
    return template.render(title=title, blocks=anchored, chapters=chapters, reload_s=reload_s)


def _assign_anchors(blocks: Sequence[Block]) -> list[list[str]]:
    """Anchors of each block: one per chapter, which its answer shares, and one per claim.

    They are numbered, because two names may have the same letters, and two studies a claim of one name.
    """
    chapters, claims = count(1), count(1)
    anchors: list[list[str]] = []
    for block in blocks:
        anchors.append([])
        if _is_chapter(block):
            anchors[-1].append(f"chapter-{next(chapters)}-{_slug(block.text)}")
        if isinstance(block, Verdicts):
            anchors[-1] += [f"claim-{next(claims)}-{_slug(line.name)}" for line in block.lines]
    by_chapter = {block.text: names[0] for block, names in zip(blocks, anchors, strict=True) if _is_chapter(block)}
    for block, names in zip(blocks, anchors, strict=True):
        if isinstance(block, Answers):
            names += [by_chapter[answer.chapter] for answer in block.answers]
    return anchors


def _is_chapter(block: Block) -> TypeGuard[Heading]:
    return isinstance(block, Heading) and block.level == 2


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def _inline_svg(figure: Figure) -> Markup:
    label = Markup.escape(figure.alt)
    return Markup(figure.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))
