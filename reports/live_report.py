"""The report of a run in progress, which a process of its own renews now and then."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from rich.console import Console

from bench.runner.scheduler import Event
from bench.spec.jobs import Timing, Trial

MIN_DELAY_S = 60.0
MAX_SHARE = 0.03  # of the run's time, in seconds of one core
STOP_TIMEOUT_S = 10.0
COMMAND = Path(__file__).parent.parent / "ablate.py"
SUCCESSES = (0, -signal.SIGTERM, 128 + signal.SIGTERM)  # a report that `ReportWriter.pause` ended is no failure


class ReportWriter:
    """Writes reports of a run in progress, each by a process of `ablate report`, because it computes for seconds."""

    def __init__(self, out: Path) -> None:
        self.words = [sys.executable, str(COMMAND), "report", "--in-progress", "--out", str(out)]
        self.lock, self.is_paused = threading.Lock(), False
        self.process: subprocess.Popen[str] | None = None

    def write(self) -> tuple[float, str]:
        """Write a report unless paused; return its seconds of computing, and the last line of an error or ''."""
        start = os.times()
        try:
            with self.lock:
                if self.is_paused:
                    return 0.0, ""
                self.process = self._start()
            _, error = self.process.communicate()
        except OSError as failure:
            return 0.0, str(failure)
        end = os.times()
        # The second sum grows by any other child that ends, such as a fork server with all of its workers
        computing_s = end.children_user + end.children_system - start.children_user - start.children_system
        cost_s = min(end.elapsed - start.elapsed, computing_s)
        if self.process.returncode in SUCCESSES:
            return cost_s, ""
        lines = error.split("\n")
        return cost_s, next(filter(None, reversed(lines)), f"exit status {self.process.returncode}")

    def _start(self) -> subprocess.Popen[str]:
        """Start a process out of reach of the terminal's Ctrl-C, which the run handles."""
        quiet, errors = subprocess.DEVNULL, subprocess.PIPE
        return subprocess.Popen(
            self.words, stdin=quiet, stdout=quiet, stderr=errors, errors="replace", start_new_session=True
        )

    def pause(self) -> None:
        """End the report that is being written, and write none until `resume`."""
        with self.lock:
            self.is_paused = True
            if self.process:
                self.process.terminate()

    def resume(self) -> None:
        """Write reports again."""
        self.is_paused = False


class LiveReport:
    """Renews a run's report.html while records come in, inside a `with` statement.

    The first report begins `min_delay_s` after the first trial has ended. The next one waits until the last one's
    computing is `MAX_SHARE` of the time that has passed, or a wave of the run has ended. No report is written during a
    timing.

    Args:
        writer: Writes a report.
        console: Console for the first failure, which stops nothing.
        min_delay_s: Seconds from the first trial's end to a report, and at least from one report to the next.
    """

    def __init__(self, writer: ReportWriter, console: Console, min_delay_s: float = MIN_DELAY_S) -> None:
        self.writer, self.console, self.min_delay_s = writer, console, min_delay_s
        self.has_news, self.is_due, self.has_stopped = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.renew, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End a report that is being written, so that it cannot replace the run's last one."""
        for event in (self.has_stopped, self.has_news, self.is_due):
            event.set()
        self.writer.pause()
        self.thread.join(STOP_TIMEOUT_S)
        if self.thread.is_alive() and self.writer.process:
            self.writer.process.kill()

    def update(self, event: Event) -> None:
        """Note a trial's record, or that a timing begins or is over."""
        if event.kind == "started":
            (self.writer.pause if isinstance(event.job, Timing) else self.writer.resume)()
        elif event.record is not None and isinstance(event.job, Trial):
            self.has_news.set()

    def renew_now(self) -> None:
        """Begin a report without delay, even after timings."""
        self.writer.resume()
        self.has_news.set()
        self.is_due.set()

    def renew(self) -> None:
        """Write a report after each delay since a record came in, until the run ends."""
        delay_s, has_failed = self.min_delay_s, False
        while self.has_news.wait():
            self.is_due.wait(delay_s)
            if self.has_stopped.is_set():
                return
            self.is_due.clear()
            self.has_news.clear()
            cost_s, error = self.writer.write()
            delay_s = max(self.min_delay_s, cost_s / MAX_SHARE)
            if error and not has_failed:
                has_failed = True
                text = f"The live report failed: {error}; the run continues, and tries again"
                self.console.print(text, style="yellow")
