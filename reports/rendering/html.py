"""Rendering of blocks as one HTML file that opens offline."""

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TypeGuard

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.rendering.blocks import Answers, Block, Figure, Heading, Verdicts, block_kind
from reports.rendering.plot_style import VERDICT_STYLES

THEME = {  # colours of figures that follow light and dark, by the variables of report.css
    "#ffffff": "paper", "#1b1b1b": "ink", "#000000": "ink", "#d9dee8": "band", "#e3e6eb": "grid", "#8a94a6": "edge",
    "#14602f": "green", "#94201b": "red", "#174f86": "blue", "#7a4a00": "amber", "#4b515b": "grey", "#5b3590": "violet",
}  # fmt: skip

CLAIM_LINKS = re.compile(r"""(<a href=(["'])claim:\d+:(?P<name>.*?)\2>)<text.*?</a>(\1<text.*?</a>)*""", re.DOTALL)


def render_html(blocks: Sequence[Block], title: str, reload_s: int = 0) -> str:
    """Render blocks as one HTML page; all text is escaped, and only the figures' SVG is inserted as markup.

    Args:
        blocks: The report.
        title: The page's title.
        reload_s: Seconds after which the page reloads itself; 0 for never.
    """
    environment = make_environment()
    anchored = list(zip(blocks, _assign_anchors(blocks), strict=True))
    chapters = [(anchors[0], block.text) for block, anchors in anchored if isinstance(block, Heading) and anchors]
    cards = _find_cards(anchored)
    in_order = {name: iter(anchors) for name, anchors in cards.items()}
    environment.filters |= {"kind": block_kind, "slug": _slug, "svg": lambda figure: _inline_svg(figure, in_order)}
    environment.globals["styles"] = VERDICT_STYLES
    environment.globals["cards"] = {name: anchors[0] for name, anchors in cards.items() if len(anchors) == 1}
    template = environment.get_template("report.html.j2")
    return template.render(title=title, blocks=anchored, chapters=chapters, reload_s=reload_s)


def make_environment() -> Environment:
    """Make the environment of this package's templates, which escape all text."""
    loader = PackageLoader("reports.rendering")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


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


def _find_cards(anchored: Sequence[tuple[Block, Sequence[str]]]) -> dict[str, list[str]]:
    """Anchors of the cards by the claim's name, in the order in which figures and cards show claims."""
    cards = defaultdict[str, list[str]](list)
    for block, anchors in anchored:
        if isinstance(block, Verdicts):
            for line, anchor in zip(block.lines, anchors, strict=True):
                cards[line.name].append(anchor)
    return cards


def _is_chapter(block: Block) -> TypeGuard[Heading]:
    return isinstance(block, Heading) and block.level == 2


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def _inline_svg(figure: Figure, cards: dict[str, Iterator[str]]) -> Markup:
    """The figure's SVG with its description, colours that follow the page's, and claims that lead to their cards."""
    svg = CLAIM_LINKS.sub(lambda match: _link_card(match, cards), figure.svg)
    svg = re.sub(r"<[^>]* style=[^>]*>", _apply_theme, svg)
    role = "group" if "<a " in svg or " data-rows=" in svg else "img"  # the parts of an image cannot be reached
    return Markup(svg.replace("<svg ", f'<svg role="{role}" aria-label="{Markup.escape(figure.alt)}" ', 1))


def _link_card(match: re.Match[str], cards: dict[str, Iterator[str]]) -> str:
    """Lines of a figure as one link to the card of the claim that they are about."""
    anchor = next(cards.get(html.unescape(match["name"]), iter(())), "")
    lines = re.sub("<a [^>]*>|</a>", "", match[0])
    return f'<a href="#{anchor}">{lines}</a>' if anchor else lines


def _apply_theme(tag: re.Match[str]) -> str:
    """Replace colours by variables; letters stay white, because a heat map has them on dark cells."""
    theme = {colour: name for colour, name in THEME.items() if colour != "#ffffff" or not tag[0].startswith("<text")}
    return re.sub("|".join(theme), lambda colour: f"var(--{theme[colour[0]]})", tag[0])
