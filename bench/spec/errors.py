"""The error raised for a user's mistake."""

from bench.system.text import printable


class InputError(ValueError):
    """Input that cannot be used. The message is one line: what is wrong, where, and what to do.

    Unprintable characters, as in odd file names, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))
