"""The error raised for a user's mistake, and the one that ends a command after a signal."""

from bench.system.text import short_line


class InputError(ValueError):
    """Input that cannot be used. The message is one line: what is wrong, where, and what to do.

    Unprintable characters, as in odd file names, are escaped, and the middle of a very long message is left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(short_line(message))

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class Interrupted(KeyboardInterrupt):
    """A signal stopped the command; its number is the argument. A study file may raise any KeyboardInterrupt itself."""
