"""Safe output of commands: a console and a parser that escape text, and streams that survive failures."""

import argparse
import codecs
import io
import os
import select
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bench.spec.errors import InputError
from bench.system.text import printable_lines, short_line

ASCII_SIGNS = {"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{PLUS-MINUS SIGN}": "+-", "\N{MULTIPLICATION SIGN}": "x"}
FILE_WIDTH = 120  # columns of a table where output is no terminal


class SafeConsole(Console):
    """Prints text as it is, never as markup, with unprintable characters escaped; a string is one short line.

    Only a terminal receives colours and cursor movements, and has its real width; FORCE_COLOR and COLUMNS are ignored.
    """

    def __init__(self) -> None:
        is_terminal = sys.stdout.isatty()
        super().__init__(
            width=None if is_terminal else FILE_WIDTH,
            force_terminal=None if is_terminal else False,
            force_interactive=None if is_terminal else False,
            force_jupyter=False,  # a notebook shows text, too, and its bar is not rich's
            soft_wrap=True,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """Put a string on one line."""
        return super().render_str(short_line(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything with its text escaped, except rich's own control segments, which move the cursor."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable_lines(segment.text))


class SafeParser(argparse.ArgumentParser):
    """A parser whose errors are one line, in which the arguments that they repeat are escaped."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError with the message and the command that shows the usage."""
        raise InputError(f"{short_line(message)}; see: {self.prog} --help")


class _Stream(io.FileIO):
    """Standard stream that discards its text once it cannot be written: its disk is full, or its reader has ended."""

    def write(self, data: Any) -> int:
        try:
            while (count := super().write(data)) is None:  # another process has made the shared stream non-blocking
                select.select([], [self], [])
            return count
        except OSError as error:
            _open_null(self.fileno())
            if self.fileno() != 2 and not isinstance(error, BrokenPipeError):  # `ablate list | head` is no fault
                problem = f"output cannot be written ({error.strerror})"
                print(f"ablate: {problem}: the command continues without it", file=sys.stderr)
            return memoryview(data).nbytes


def protect_streams() -> None:
    """Keep commands from failing because an output stream is closed, is lost later, or lacks a character."""
    codecs.register_error(_replace.__name__, _replace)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed: otherwise the next file to be opened would receive what a library prints
            _open_null(number)
        if number and stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, open_stream(number, stream.encoding if stream else None))


def open_stream(number: int, encoding: str | None) -> io.TextIOWrapper:
    """Open a descriptor for text that is written line by line, and discarded once it cannot be written."""
    binary = io.BufferedWriter(_Stream(number, "w", closefd=False))
    return io.TextIOWrapper(binary, encoding, _replace.__name__, line_buffering=True)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace one letter that an encoding lacks by a similar sign, or by its escape."""
    assert isinstance(error, UnicodeEncodeError)
    letter = error.object[error.start]
    return ASCII_SIGNS.get(letter) or letter.encode("ascii", "backslashreplace"), error.start + 1


def _open_null(number: int) -> None:
    """Redirect a descriptor, which child processes inherit, to the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(null, number)
        os.close(null)
