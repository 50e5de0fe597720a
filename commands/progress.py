"""What a person sees while jobs run: a live table in a terminal, a line a job elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.records import store
from bench.runner.estimate import Pace
from bench.runner.scheduler import Event
from bench.spec.jobs import Count, Job, Probe, Trial

LINES = 8  # finished jobs that stay in sight


class Display:
    """Use as a context manager around the events of a run, and `show` each."""

    def __init__(self, console: Console, todo: list[Job], names: dict[Job, str], pace: Pace, workers: int) -> None:
        self.console, self.names, self.pace, self.workers = console, names, pace, workers
        self.todo, self.total, self.done = dict.fromkeys(todo), len(todo), 0
        self.running: dict[Job, tuple[float, dict[str, Any]]] = {}
        self.lines: list[str] = []
        live = Live(console=console, refresh_per_second=4, get_renderable=self._table)
        self.live = live if console.is_terminal else None

    def __enter__(self) -> Display:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.live:
            self.live.stop()

    def show(self, event: Event) -> None:
        job = event.job
        if event.what == "started":
            self.running[job] = (time.time(), {})
        elif event.what == "point":
            assert event.point is not None
            start, _ = self.running[job]
            self.running[job] = (start, event.point)
        elif event.what == "elsewhere":
            self.running.pop(job, None)
        else:
            start, _ = self.running.pop(job, (time.time(), {}))
            self.todo.pop(job, None)
            self.done += 1
            if event.record is not None:
                self.pace.learn(event.record)
            self._line(f"{self.names[job]}: {_outcome(event)}, {time.time() - start:.0f} s")

    def _line(self, line: str) -> None:
        line = f"[{self.done}/{self.total}] {line}"
        if self.live is None:
            self.console.print(f"{line}; {self._left()} left", markup=False, highlight=False, soft_wrap=True)
        self.lines = [*self.lines[1 - LINES :], line]

    def _left(self) -> str:
        return duration(self.pace.left(list(self.todo), self.workers))

    def _table(self) -> Group:
        head = Text(f"{self.done} of {self.total} done, {len(self.running)} running, about {self._left()} left")
        table = Table("running", "epoch", "train accuracy", "validation accuracy", "for", expand=True)
        for job, (start, point) in list(self.running.items()):  # another thread draws
            metrics = point.get("metrics", {})
            epochs = f"{point.get('epoch', 0)}/{job.recipe.epochs}" if isinstance(job, Trial) else ""
            table.add_row(
                Text(self.names[job]),
                epochs,
                percent(metrics.get("train/accuracy")),
                percent(metrics.get("validation/accuracy")),
                duration(time.time() - start),
            )
        bar = ProgressBar(total=max(1, self.total), completed=self.done)
        return Group(head, bar, table, *(Text(line) for line in self.lines))


def _outcome(event: Event) -> str:
    assert event.record is not None
    if event.record["status"] != "finished":
        return f"{event.record['status'].upper()} ({event.record['reason']})"
    if isinstance(event.job, Trial):
        return f"test accuracy {percent(store.finals(event.record)['test/accuracy'])}"
    if event.record.get("fit") is False:
        return f"done, but unfit to judge by: {event.record['why_unfit']}"
    return "counted" if isinstance(event.job, Count) else "answered" if isinstance(event.job, Probe) else "timed"


def percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.1f} %"


def duration(seconds: float) -> str:
    """'40 s', '12 min' or '3 h 05 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
