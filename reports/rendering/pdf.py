"""Blocks to a PDF, by typst."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import matplotlib
import typst

from reports.rendering.blocks import Block, Figure, kind

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # the figures' own typeface, for symbols


def pdf(blocks: Sequence[Block], title: str, timestamp: int) -> bytes:
    """The template reads the blocks as data: nothing in a name is taken for markup."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = [_handed_over(block, f"{number}.svg", folder) for number, block in enumerate(blocks)]
        (folder / "report.json").write_text(json.dumps({"title": title, "blocks": shown}), encoding="utf-8")
        template = resources.files("reports.rendering") / "templates" / "report.typ"
        (folder / "report.typ").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
        return typst.compile(
            folder / "report.typ", root=folder, font_paths=[FONTS], ignore_system_fonts=False, timestamp=timestamp
        )


def _handed_over(block: Block, file: str, folder: Path) -> dict[str, object]:
    fields = dataclasses.asdict(block) | {"kind": kind(block)}
    if isinstance(block, Figure):
        (folder / file).write_text(block.svg, encoding="utf-8")
        fields["svg"] = file
    return fields
