"""Letters that the PDF cannot show."""

import dataclasses
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from reports.rendering.blocks import Block, Heading
from reports.text.formatting import format_list

FONT = "DejaVu Sans"  # that of figures, which is installed with matplotlib


def describe_missing_glyphs(blocks: Sequence[Block]) -> str:
    """Say which letters of a report no font has, and in which chapters they occur; '' if there are none."""
    chapters, heading = dict[str, set[str]](), ""
    for block in blocks:
        if isinstance(block, Heading) and block.level < 3:
            heading = block.text
        for letter in set().union(*_texts(block)):
            if unicodedata.category(letter) not in ("Cc", "Cf"):  # control and format characters are not shown
                chapters.setdefault(heading, set()).add(letter)
    missing = _find_missing(set().union(*chapters.values()))
    if not missing:
        return ""
    letters = [f"{letter} (U+{ord(letter):04X})" for letter in sorted(missing)]
    affected = [chapter for chapter, chapter_letters in chapters.items() if chapter_letters & missing]
    return (
        f"No font on this machine has a glyph for {format_list(letters, 10)}. The PDF shows boxes instead. Install a "
        "font, such as Noto Sans CJK for Chinese, Japanese and Korean, and run `ablate report` again. The HTML uses "
        f"its reader's fonts. Affected: {', '.join(affected)}."
    )


def _find_missing(letters: set[str]) -> set[str]:
    """Return the letters that neither the figures' font nor any font on this machine has."""
    missing = letters - _list_letters(font_manager.findfont(FONT))
    for file in font_manager.findSystemFonts() if missing else ():
        with suppress(RuntimeError):  # it is damaged, or of a kind that cannot be read
            missing -= _list_letters(file)
    return missing


def _list_letters(font_file: str) -> set[str]:
    return set(map(chr, FT2Font(font_file).get_charmap()))


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a block, or in any part of one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif dataclasses.is_dataclass(value):
        yield from _texts(tuple(vars(value).values()))
