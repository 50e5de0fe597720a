"""Text that is safe to print."""

from __future__ import annotations

import unicodedata

UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, surrogates, line and paragraph separators


def printable(text: str) -> str:
    """Return the text on one line that any encoding can hold: unprintable characters are escaped."""
    escaped = (c.encode("unicode_escape").decode() if unicodedata.category(c) in UNPRINTABLE else c for c in text)
    return "".join(escaped)
