"""Text that is safe to print, and values that JSON can hold."""

from __future__ import annotations

import math
from typing import Any

UNPRINTABLE = (
    *range(0x20),  # control characters
    *range(0x7F, 0xA0),
    *range(0x2028, 0x202F),  # separators of lines and paragraphs, and direction of text
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),  # surrogates, which no encoding can hold
)
MAX_LINE = 2_000  # letters of a message
ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in UNPRINTABLE}


def printable(text: str) -> str:
    """Return the text on one line that is safe in a terminal and a file: unprintable characters are escaped.

    A terminal obeys control characters. One that reverses the direction of text would mirror what follows a name.
    """
    return text.translate(ESCAPES)


def short_line(text: str) -> str:
    """Return the text as `printable` does, without the middle of a line that would fill a terminal."""
    line = printable(text)
    omitted = len(line) - MAX_LINE
    return line if omitted <= 0 else f"{line[: MAX_LINE // 2]} [{omitted:,} letters] {line[-MAX_LINE // 2 :]}"


def printable_lines(text: str) -> str:
    """Return the text as `printable` does, but keep its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def json_value(value: Any) -> Any:
    """Return the value with lists for tuples and None for numbers that are not finite, which JSON lacks."""
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
