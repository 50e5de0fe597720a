"""The live display of a run: one line per finished job, and in a terminal a table of the running ones."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from ablations.framework.agenda import Agenda
from ablations.framework.tuning import TUNING_SEEDS
from ablations.framework.waves import WAVES
from bench.records import store
from bench.runner.estimate import DurationModel
from bench.runner.scheduler import Event
from bench.spec.jobs import Count, Job, Probe, Trial
from reports.text.formatting import format_duration


class RunProgress:
    """The state of a run's jobs, in words.

    Args:
        agenda: The jobs of the run. Those that tuning will add, and those of all looks that may follow, count from the
            start.
        durations: Model that estimates the remaining time and learns from the records.
        workers: Number of jobs at the same time.

    Attributes:
        running: For each running job its start in Unix time, and its latest point.
    """

    def __init__(self, agenda: Agenda, durations: DurationModel, workers: int) -> None:
        self.agenda, self.durations, self.workers = agenda, durations, workers
        self.running: dict[Job, tuple[float, dict[str, Any]]] = {}

    def update(self, event: Event) -> str:
        """Take an event; return the line of a job that has ended, or ''."""
        job = event.job
        if event.kind == "started":
            self.running[job] = (time.time(), {})
        elif event.kind == "point":
            assert event.point is not None
            self.running[job] = (self.running[job][0], event.point)
        elif event.kind == "elsewhere":
            self.running.pop(job, None)
        else:
            started, _ = self.running.pop(job, (time.time(), {}))
            if event.record is not None:
                self.durations.learn(event.record)
            duration_s = time.time() - started
            place = f"[{self.done_count}/{self.agenda.total}] {self.agenda.titles[job]}"
            return f"{place}: {_outcome(event)}, {duration_s:.0f} s"
        return ""

    @property
    def done_count(self) -> int:
        """Number of jobs that are done."""
        return self.agenda.total - len(self.agenda.expected_jobs)

    def remaining_s(self) -> float:
        """Estimate the seconds that the run still takes: an upper bound while claims may get further seeds."""
        elapsed_s = {job: time.time() - started for job, (started, _) in [*self.running.items()]}
        jobs = list(self.agenda.expected_jobs)  # copies: a display may draw in another thread
        return self.durations.remaining_s(jobs, self.workers, elapsed_s)

    def describe_time_left(self) -> str:
        """Say how long the run still takes."""
        bound = "at most" if self.agenda.has_open_looks else "about"
        return f"{bound} {format_duration(self.remaining_s())} left"

    def describe_wave(self) -> str:
        """Name the wave, and count the jobs: 'stated comparisons (wave 2 of 4): 3 of 24 done, 2 running'."""
        wave = f"{WAVES[self.agenda.wave]} (wave {self.agenda.wave} of {len(WAVES)})"
        return f"{wave}: {self.done_count} of {self.agenda.total} done, {len(self.running)} running"


class Display:
    """Live display of a run's events, inside the context `screen`: one bar from the first job to the last.

    Args:
        console: Console to print to.
        progress: The state of the run's jobs.
    """

    def __init__(self, console: Console, progress: RunProgress) -> None:
        self.console, self.progress = console, progress
        live = Live(console=console, refresh_per_second=4, get_renderable=self._table)
        self.screen: AbstractContextManager[object] = live if console.is_interactive else nullcontext()

    def show(self, event: Event) -> None:
        """Update the display after an event."""
        if line := self.progress.update(event):
            time_left = "" if self.console.is_interactive else f"; {self.progress.describe_time_left()}"
            self.console.print(line + time_left)  # in a terminal, above the table

    def _table(self) -> Group:
        progress, agenda = self.progress, self.progress.agenda
        table = Table("running", "claim", "epoch", "train accuracy", "validation accuracy", "since", expand=True)
        for job, (started, point) in list(progress.running.items()):  # a copy: rich draws in another thread
            metrics = point.get("metrics", {})
            table.add_row(
                agenda.titles[job],
                agenda.purposes.get(job, ""),
                f"{point.get('epoch', 0)}/{job.recipe.epochs}" if isinstance(job, Trial) else "",
                _percent(metrics.get("train/accuracy")),
                _percent(metrics.get("validation/accuracy")),
                format_duration(time.time() - started),
            )
        bar = ProgressBar(total=max(1, agenda.total), completed=progress.done_count)
        counts = f"{progress.describe_wave()}, {progress.describe_time_left()}"
        return Group(counts, bar, *([table] if table.row_count else []))


def _outcome(event: Event) -> str:
    assert event.record is not None
    if event.record["status"] != "finished":
        return f"{event.record['status'].upper()} ({event.record['reason']})"
    if isinstance(event.job, Trial):
        split = "validation" if event.job.seed in TUNING_SEEDS else "test"  # tuning chooses by validation
        return f"{split} accuracy {_percent(store.final_metrics(event.record)[f'{split}/accuracy'])}"
    if event.record.get("fit") is False:
        return f"done, but not usable for verdicts ({event.record['why_unfit']}); repeated once the machine is quiet"
    return "counted" if isinstance(event.job, Count) else "answered" if isinstance(event.job, Probe) else "timed"


def _percent(fraction: float | None) -> str:
    """Format a fraction as a percentage; nothing for None."""
    return "" if fraction is None else f"{100 * fraction:.1f} %"
