"""Letters that figures cannot show."""

import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font

from reports.rendering.blocks import Block, Heading
from reports.text.formatting import format_list

FONT = "DejaVu Sans"  # that of figures, and the PDF's for letters that its own font lacks


def describe_missing_glyphs(blocks: Sequence[Block]) -> str:
    """Say which letters of a report the figures' font lacks, and in which chapters they occur; '' if it has all."""
    available = set(map(chr, FT2Font(findfont(FONT)).get_charmap()))
    chapters, heading = dict[str, set[str]](), ""
    for block in blocks:
        if isinstance(block, Heading) and block.level < 3:
            heading = block.text
        for letter in set().union(*_texts(block)) - available:
            if unicodedata.category(letter) not in ("Cc", "Cf"):  # control and format characters are not shown
                chapters.setdefault(heading, set()).add(letter)
    if not chapters:
        return ""
    letters = [f"{letter} (U+{ord(letter):04X})" for letter in sorted(set().union(*chapters.values()))]
    return (
        f"{FONT}, the font of figures, has no glyph for {format_list(letters, 10)}. Figures show boxes instead, and so "
        f"does the PDF unless another font on this machine has them. Affected: {', '.join(chapters)}."
    )


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a block, or in any part of one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif dataclasses.is_dataclass(value):
        yield from _texts(tuple(vars(value).values()))
