"""Text that is safe to print."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """The text on one line that any encoding holds: what cannot be shown is escaped."""
    odd = ("Cc", "Cs", "Zl", "Zp")
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in odd else c for c in text)
