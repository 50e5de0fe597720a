"""The console and the streams that every command prints to."""

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from bench.spec.errors import InputError
from bench.system.console import SafeConsole

ROOT = Path(__file__).parents[3]
HOSTILE = "\x1b[2J\x1b]0;x\x07\x7f\x9b\u202e\u2067\ud800\r\nhealthy"
ESCAPED = r"\x1b[2J\x1b]0;x\x07\x7f\x9b\u202e\u2067\ud800\r\nhealthy"
MISLEADING = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_every_string_is_one_line_without_control_characters(capsys):
    console, table = SafeConsole(), Table(HOSTILE, box=None)
    table.add_row(HOSTILE)
    console.print(HOSTILE, style="red")
    console.print(table)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [ESCAPED] * 3


def test_rich_text_keeps_its_lines_and_loses_its_control_characters(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    SafeConsole().print(Text("a\x1b[2J\u202e\nb", style="red"))
    text = re.sub(r"\x1b\[[\d;]*m", "", sys.stdout.getvalue())
    assert text == "a\\x1b[2J\\u202e\nb\n"


@pytest.mark.parametrize("columns", ["0", "1", "1000000"])
def test_no_variable_puts_escape_codes_or_another_width_into_a_file(monkeypatch, capsys, columns):
    for name, value in {**MISLEADING, "COLUMNS": columns}.items():
        monkeypatch.setenv(name, value)
    console = SafeConsole()
    console.print("word " * 100, style="red")
    assert capsys.readouterr().out == "word " * 100 + "\n"
    assert (console.width, console.is_terminal, console.is_interactive) == (120, False, False)


@pytest.mark.parametrize(
    "variable", [("TERM", "dumb"), ("TTY_COMPATIBLE", "0"), ("TTY_INTERACTIVE", "0")], ids="=".join
)
def test_a_terminal_that_cannot_move_its_cursor_gets_a_line_per_job(monkeypatch, variable):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert SafeConsole().is_interactive
    monkeypatch.setenv(*variable)
    assert not SafeConsole().is_interactive


@pytest.mark.parametrize(
    "encoding, text", [("ascii", "-1 +-2 \\u2192"), ("cp1252", "-1 ±2 \\u2192"), ("utf-8", "\u22121 ±2 →")]
)
def test_a_letter_that_an_encoding_lacks_is_replaced(encoding, text):
    code = "from bench.system.console import *; protect_streams(); print('\u22121 ±2 →')"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert (done.stdout.decode(encoding), done.stderr) == (f"{text}\n", b"")


COMPLAINT = "ablate: output cannot be written (No space left on device): the command continues without it"
CODE = """
from bench.system.console import *
protect_streams()
print("a line\\n" * 100_000)
file = open(__file__)
print(file.fileno() > 2 and os.get_inheritable(1), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "redirection, complaint",
    [
        ("> /dev/full", f"{COMPLAINT}\n"),
        ("| true", ""),
        (">&-", ""),
        ("<&- >&-", ""),
    ],
)
def test_a_command_goes_on_without_its_output(tmp_path, redirection, complaint):
    (tmp_path / "code.py").write_text(CODE)
    words = f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} {tmp_path}/code.py {redirection}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{complaint}True\n")


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
def test_a_lost_standard_error_changes_no_exit_status(redirection):
    words = f"{shlex.quote(sys.executable)} {ROOT}/ablate.py run nope {redirection}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_long_line_loses_its_middle(capsys):
    SafeConsole().print("a" * 3000 + "end")
    printed = capsys.readouterr().out
    assert len(printed) < 2100 and printed.endswith("aend\n") and "[1,003 letters]" in printed
    assert len(str(InputError("a" * 3000))) < 2100
