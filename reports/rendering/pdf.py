"""Rendering of blocks as a PDF, by typst."""

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import matplotlib
import typst

from reports.rendering.blocks import Block, Code, Figure, block_kind
from reports.rendering.plot_style import VERDICT_STYLES

MAX_CODE_LINES, MAX_CODE_LETTERS = 100, 8_000
OMISSION = "{:,} of {:,} lines. report.html has all of it, and the field `sources` of each record that used it."
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # the figures' font, also for symbols


def render_pdf(blocks: Sequence[Block], title: str, timestamp_s: int) -> bytes:
    """Render blocks as a PDF; the same arguments give the same bytes.

    The template reads the blocks as JSON data, so that no name is taken for markup.

    Args:
        blocks: The report.
        title: The document's title in its metadata.
        timestamp_s: Creation date in the metadata, in seconds since 1970.

    Returns:
        The PDF's bytes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fields = [_export(block, folder / f"{number}.svg") for number, block in enumerate(blocks)]
        fonts = typst.Fonts(font_paths=[FONTS])
        # Last Resort, which has a box for every letter, comes last: typst would prefer it to a user's font
        families = sorted(fonts.families(), key=lambda family: (family.startswith("Last Resort"), family))
        styles = {verdict: style._asdict() for verdict, style in VERDICT_STYLES.items()}
        content = {"title": title, "blocks": fields, "fonts": families, "verdict_styles": styles}
        (folder / "report.json").write_text(json.dumps(content), encoding="utf-8")
        template = resources.files("reports.rendering") / "templates" / "report.typ"
        (folder / "report.typ").write_bytes(template.read_bytes())
        return typst.compile(folder / "report.typ", root=folder, font_paths=fonts, timestamp=timestamp_s)


def _export(block: Block, svg_file: Path) -> dict[str, object]:
    """The block's fields for the template; a figure's SVG goes to a file that they name, a long code is cut."""
    fields = dataclasses.asdict(block) | {"kind": block_kind(block)}
    if isinstance(block, Figure):
        svg_file.write_text(block.svg, encoding="utf-8")
        fields["svg"] = svg_file.name
    if isinstance(block, Code):
        fields |= _cut_code(block.text)
    return fields


def _cut_code(text: str) -> dict[str, str]:
    """Return the first lines of a code, and a note on those that are left out or ''."""
    lines = text.split("\n")
    shown = "\n".join(lines[:MAX_CODE_LINES])[:MAX_CODE_LETTERS]
    count = shown.count("\n") + 1
    return {"text": shown, "omission": OMISSION.format(count, len(lines)) * (shown != text)}
