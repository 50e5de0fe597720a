"""What a run shows of itself: the display of its jobs and its end; here in a terminal or a file."""

import argparse
import re
import shlex
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from ablations.framework.request import Request
from bench.runner.backends import torchrun
from bench.runner.scheduler import Event
from bench.tracking.address import is_served_here
from commands.progress import Display, RunProgress
from reports.text.formatting import pluralize, shorten

if TYPE_CHECKING:  # they take seconds to import, and every worker imports this file
    from reports.next_step import NextStep
    from reports.report import Report

MAX_REASONS = 5  # reasons of failures that are listed
MIN_REASON_WIDTH = 30


class RunDisplay(Protocol):
    """Shows the events of a run inside the context `screen`."""

    screen: AbstractContextManager[object]

    def show(self, event: Event) -> None:
        """Update the display after an event."""


class Interface(Protocol):
    """What a run shows of itself, and where.

    Attributes:
        console: Takes notes and warnings.
    """

    console: Console

    def open_display(self, progress: RunProgress) -> RunDisplay:
        """Return the display of the run's jobs."""

    def show_failures(self, failures: Mapping[str, dict[str, Any]]) -> None:
        """Show the records of the jobs that failed, by the job's title."""

    def write_report(self, request: Request, views: Mapping[str, str]) -> "Report":
        """Write the report, and show its verdicts. The views are addresses of pages in MLflow, by a study's name."""

    def show_view(self, views: Mapping[str, str]) -> None:
        """Show how to see all arms in MLflow."""

    def show_next_step(self, step: "NextStep") -> None:
        """Show the further run that gets more claims decided."""


class TerminalInterface:
    """A run's text in a terminal or a file.

    Args:
        options: The options of the command.
        console: Console to print to.
    """

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self.options, self.console = options, console

    def open_display(self, progress: RunProgress) -> RunDisplay:
        """Return a line per finished job, and in a terminal a table of the running ones."""
        return Display(self.console, progress)

    def show_failures(self, failures: Mapping[str, dict[str, Any]]) -> None:
        """Print every failed job, or the number of failed jobs for each reason."""
        print_failures(failures, self.options.verbose, self.console, "--verbose lists every failed job")

    def write_report(self, request: Request, views: Mapping[str, str]) -> "Report":
        """Write the report; print its verdicts and paths."""
        from reports import terminal

        return terminal.show_report(request, self.options.out, self.console, self.options.verbose, views)

    def show_view(self, views: Mapping[str, str]) -> None:
        """Print a server's page of all arms, or the command that serves the database and names the page."""
        page = views.get("", "")
        place = page if page and not is_served_here(page) else self._ui_command()
        self.console.print(f"MLflow: {place}", soft_wrap=True)

    def show_next_step(self, step: "NextStep") -> None:
        """Print the further run and what it does."""
        from reports import terminal

        terminal.show_next_step(step, self._repeat(step.option), self.console)

    def _ui_command(self) -> str:
        return f"{shlex.quote(sys.argv[0])} ui --out {shlex.quote(str(self.options.out))}"

    def _repeat(self, option: str) -> str:
        return repeat_command(option)


def print_failures(failures: Mapping[str, dict[str, Any]], verbose: bool, console: Console, whole_list: str) -> None:
    """Print every failed job, or the number of failed jobs for each reason, which may differ in its numbers.

    Args:
        failures: The records of failed jobs by their titles.
        verbose: Whether every job is printed.
        console: Console to print to.
        whole_list: What lists every failed job, as a sentence.
    """
    if not failures:
        return
    console.print()
    console.print(f"{pluralize(len(failures), 'job')} failed:", style="bold red")
    if verbose:
        for title, record in failures.items():
            console.print(f"  {record['status']}: {title}: {record['reason']}", style="red")
        return
    titles_by_reason: dict[str, list[str]] = {}
    for title, record in failures.items():
        titles_by_reason.setdefault(re.sub(r"\d+", "0", f"{record['status']}: {record['reason']}"), []).append(title)
    groups = sorted(titles_by_reason.values(), key=len, reverse=True)
    for titles in groups[:MAX_REASONS]:
        record = failures[titles[0]]
        start = f"  {len(titles):,} {record['status']}: "
        example = f" ({'such as ' * (len(titles) > 1)}{shorten(titles[0], console.width // 3)})"
        room = max(MIN_REASON_WIDTH, console.width - len(start) - len(example))
        console.print(f"{start}{shorten(record['reason'], room)}{example}", style="red")
    if others := sum(map(len, groups[MAX_REASONS:])):
        console.print(f"  {others:,} for other reasons: {whole_list}", style="red")


def repeat_command(option: str) -> str:
    """Return the command line of this run with an option, with no-break spaces within words.

    It is '' under torchrun, whose own line is not known.
    """
    if torchrun.process_count() > 1:
        return ""
    name, _, value = option.partition(" ")
    words = [word for word in sys.argv if not (value and word.startswith(f"{name}="))]  # make writes --profile=smoke
    if value and name in words[:-1]:
        words[words.index(name) + 1] = value
    elif option and name not in words:
        words += option.split()
    return " ".join(shlex.quote(word).replace(" ", "\N{NO-BREAK SPACE}") for word in words)
