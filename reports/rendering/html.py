"""Blocks to one HTML file that opens offline."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.rendering.blocks import Block, Figure, Heading, Verdicts, block_kind


def render_html(blocks: Sequence[Block], title: str) -> str:
    """Render blocks as one HTML page; all text is escaped, and only the figures' SVG is inserted as markup."""
    loader = PackageLoader("reports.rendering")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"kind": block_kind, "slug": _slug, "svg": _inline_svg}
    anchored = list(zip(blocks, _assign_anchors(blocks), strict=True))
    chapters = [(anchors[0], block.text) for block, anchors in anchored if isinstance(block, Heading) and anchors]
    return environment.get_template("report.html.j2").render(title=title, blocks=anchored, chapters=chapters)


def _assign_anchors(blocks: Sequence[Block]) -> list[list[str]]:
    """Anchors of each block: one a chapter, one a line of claims, the same for a claim in brief and in full.

    They are unique, even where two names have the same letters or two studies have a claim of the same name.
    """
    anchors: dict[tuple[str, int], str] = {}
    occurrences: Counter[tuple[str, bool]] = Counter()
    anchors_by_block = []
    for block in blocks:
        block_anchors = []
        for name, brief in _anchored_names(block):
            occurrences[name, brief] += 1
            key = name, occurrences[name, brief]
            if key not in anchors:
                slug, taken = _slug(name) or "chapter", set(anchors.values())
                candidates = (slug, *(f"{slug}-{number}" for number in range(2, len(taken) + 3)))
                anchors[key] = next(candidate for candidate in candidates if candidate not in taken)
            block_anchors.append(anchors[key])
        anchors_by_block.append(block_anchors)
    return anchors_by_block


def _anchored_names(block: Block) -> Iterator[tuple[str, bool]]:
    """Names that need an anchor, and whether the block links to it instead of bearing it."""
    if isinstance(block, Heading) and block.level == 2:
        yield block.text, False
    elif isinstance(block, Verdicts):
        yield from ((f"claim {line.name}", block.brief) for line in block.lines)


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def _inline_svg(figure: Figure) -> Markup:
    label = Markup.escape(figure.alt)
    return Markup(figure.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))
