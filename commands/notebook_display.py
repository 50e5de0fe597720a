"""A run in a cell of a notebook: a bar that is updated in place, notes, and what to do next."""

import contextvars
import html
import shlex
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

from ablations.framework.request import Request
from bench.runner.scheduler import Event
from bench.system.text import printable
from commands.interface import RunDisplay, TerminalInterface, print_failures
from commands.progress import RunProgress
from reports.text.formatting import format_duration

if TYPE_CHECKING:  # it takes seconds to import
    from reports.report import Report

REFRESH_S = 0.5


def is_notebook() -> bool:
    """Whether the code runs in the kernel of a notebook, which shows HTML; a terminal's IPython does not."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


class ScriptInterface(TerminalInterface):
    """A run's text in the terminal of a script, which advises calls instead of commands."""

    def _ui_command(self) -> str:
        return f"`ablate ui --out {shlex.quote(str(self.options.out))}` in a terminal"

    def _repeat(self, option: str) -> str:
        argument = write_argument(option)
        return f"the same call{f' with {argument}' if argument else ''}"


class NotebookInterface(ScriptInterface):
    """A run's notes as text, and its jobs as a bar; the verdicts are the result's to show."""

    def open_display(self, progress: RunProgress) -> RunDisplay:
        """Return a bar of all jobs."""
        return NotebookDisplay(progress)

    def show_failures(self, failures: Mapping[str, dict[str, Any]]) -> None:
        """Print the number of failed jobs for each reason."""
        print_failures(failures, False, self.console, "the result's trials list them")

    def write_report(self, request: Request, views: Mapping[str, str]) -> "Report":
        """Write the report."""
        from reports.report import count_trials, write_report

        out = self.options.out
        return write_report(out, request.studies, request.setting, count_trials(request, out), views)


def write_argument(option: str) -> str:
    """Write an option of the command as an argument of the call: `--seeds 24` as seeds=24."""
    name, _, value = option.removeprefix("--").replace("-", "_").partition(" ")
    text = value if value.isdecimal() else repr(value) if value else "True"
    return f"{name}={text}" if name else ""


class NotebookDisplay:
    """A bar with counts, time left and the job that ended last; a thread renews it inside the context `screen`.

    Args:
        progress: The state of the run's jobs.
    """

    def __init__(self, progress: RunProgress) -> None:
        self.progress, self.started = progress, time.time()
        self.screen: AbstractContextManager[object] = self
        self.last_line, self.shown = "", ""
        self.has_ended = threading.Event()

    def __enter__(self) -> Self:
        from IPython.display import display

        self.shown = self._draw(self._describe())
        self.handle: Any = display(self._bundle(), raw=True, display_id=True)
        # A copy of the context, by which a kernel knows the cell whose output it is
        self.thread = threading.Thread(target=contextvars.copy_context().run, args=(self._renew,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        self.has_ended.set()
        self.thread.join()
        outcome = "stopped" if error_type else f"ended after {format_duration(time.time() - self.started)}"
        self._update(f"{outcome}: {self.progress.done_count} of {self.progress.agenda.total} jobs done")

    def show(self, event: Event) -> None:
        """Take an event; the thread shows it."""
        self.last_line = self.progress.update(event) or self.last_line

    def _renew(self) -> None:
        while not self.has_ended.wait(REFRESH_S):
            self._update(self._describe())

    def _describe(self) -> str:
        return f"{self.progress.describe_wave()}, {self.progress.describe_time_left()}"

    def _update(self, text: str) -> None:
        if (drawn := self._draw(text)) != self.shown:
            self.shown = drawn
            self.handle.update(self._bundle(), raw=True)

    def _draw(self, text: str) -> str:
        """Return the bar with a text beside it, and the last line below."""
        value, total = self.progress.done_count, max(1, self.progress.agenda.total)
        bar = f'<progress value="{value}" max="{total}" style="width:20em"></progress>'
        self.text = "\n".join(map(printable, filter(None, (text, self.last_line))))
        return f"<div>{bar} {html.escape(self.text).replace(chr(10), '<br>')}</div>"

    def _bundle(self) -> dict[str, str]:
        return {"text/html": self.shown, "text/plain": self.text}
