"""`ablate run --json`: the events of a run on stdout, one JSON object a line. docs/scripting.md lists their fields."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TextIO

from ablations.framework.waves import WAVES
from bench.records import store
from bench.runner.backends import torchrun
from bench.runner.scheduler import Event
from bench.spec.jobs import Job, Trial, identity, job_kind
from bench.system.console import open_stream
from bench.system.text import json_value
from commands.interface import RunDisplay, TerminalInterface
from commands.progress import RunProgress

VERSION = 1  # of the events: raised when a field is removed or changes its meaning
OPTION = "--json"
NAMES = {
    "started": "job_started",
    "point": "point",
    "elsewhere": "job_elsewhere",
    "done": "job_done",
    "failed": "job_failed",
}  # by the kind of `Event`
CLAIM_FIELDS = ("study", "id", "kind", "verdict", "estimate", "interval", "unit", "pairs")
CONTROL_FIELDS = ("study", "id", "result")


class EventStream:
    """Writes the events of a run; nothing without a file.

    Args:
        file: A text stream, or None.
    """

    def __init__(self, file: TextIO | None) -> None:
        self.file = file

    def emit(self, event: str, **fields: Any) -> None:
        """Write an event with these fields."""
        if self.file:
            values = {"version": VERSION, "event": event, "time": round(time.time(), 3), **fields}
            print(json.dumps(json_value(values), allow_nan=False), file=self.file)

    def end(self, exit_status: int, error: str = "", out: Path | None = None) -> None:
        """Write the last event.

        Args:
            exit_status: Exit status of the command.
            error: Why it ended early, or ''.
            out: Output folder with the report of the run; None if it ended early.
        """
        if self.file:
            self.emit("run_ended", exit_status=exit_status, error=error, **_summarise_report(out))
            self.file = None


class JsonInterface(TerminalInterface):
    """A run's text in a terminal or a file, and its events as JSON."""

    def open_display(self, progress: RunProgress) -> RunDisplay:
        """Return a display that writes the events, too."""
        return JsonDisplay(super().open_display(progress), progress, self.options.events)


class JsonDisplay:
    """A display that writes the events, too, inside its context `screen`.

    Args:
        display: Shows them to a person.
        progress: The state of the run's jobs.
        events: Stream of the events.
    """

    def __init__(self, display: RunDisplay, progress: RunProgress, events: EventStream) -> None:
        self.display, self.progress, self.events = display, progress, events
        self.wave = 0  # before the first event
        self.screen: AbstractContextManager[object] = self._open_screen()

    def show(self, event: Event) -> None:
        """Update the display after an event, and write the event."""
        self.display.show(event)
        wave = self.progress.agenda.wave
        if wave != self.wave:
            self._end_wave()
            self.wave = wave
        fields = self._describe_job(event.job)
        if event.point is not None:
            fields |= {name: event.point[name] for name in ("step", "epoch", "metrics")}
        if event.record is not None:
            fields |= _summarise_record(event.record) | self._count_jobs()
        self.events.emit(NAMES[event.kind], **fields)

    @contextmanager
    def _open_screen(self) -> Iterator[None]:
        agenda, setting = self.progress.agenda, self.progress.agenda.request.setting
        data = setting.data
        self.events.emit(
            "run_started",
            out=str(agenda.out.absolute()),
            studies=[study.name for study in agenda.request.studies],
            data={"name": data.name, "digest": data.digest, "train": data.train, "classes": data.classes},
            profile=setting.profile.name,
            seeds=setting.seeds or setting.profile.seeds,
            device=setting.device,
            precision=setting.precision,
            workers=self.progress.workers,
            **self._count_jobs(),
        )
        with self.display.screen:
            yield
        self._end_wave()

    def _end_wave(self) -> None:
        if self.wave:
            self.events.emit("wave_ended", wave=self.wave, name=WAVES[self.wave], **self._count_jobs())

    def _count_jobs(self) -> dict[str, Any]:
        done_count, total = self.progress.done_count, self.progress.agenda.total
        return {"done": done_count, "total": total, "remaining_s": round(self.progress.remaining_s(), 1)}

    def _describe_job(self, job: Job) -> dict[str, Any]:
        study, arm = self.progress.agenda.arms[identity(job)][0]
        seed = job.seed if isinstance(job, Trial) else None
        return {"identity": identity(job), "kind": job_kind(job), "study": study, "arm": arm, "seed": seed}


def open_events(words: Sequence[str]) -> EventStream:
    """Take stdout for events, if the command's arguments have the option.

    Whatever else is printed there goes to stderr from now on, by libraries, study files and worker processes, too. The
    arguments are searched before they are parsed, because a mistake in them is an event. Of torchrun's processes the
    first one writes.
    """
    if not any(len(word) > 2 and OPTION.startswith(word) for word in words):  # it may be abbreviated
        return EventStream(None)
    number = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return EventStream(open_stream(number, "utf-8") if torchrun.is_leader() else None)


def _summarise_record(record: dict[str, Any]) -> dict[str, Any]:
    is_finished_trial = record["kind"] == "trial" and record["status"] == "finished"
    return {
        "status": record["status"],
        "reason": record["reason"] or record.get("why_unfit", ""),
        "duration_s": round(record["ended"] - record["started"], 3),
        "metrics": store.final_metrics(record) if is_finished_trial else {},
    }


def _summarise_report(out: Path | None) -> dict[str, Any]:
    """Return the verdicts of a run's report and the paths of its files; empty without a report."""
    if out is None:
        return {"verdicts": {}, "claims": [], "controls": [], "files": {}}
    from reports.report import report_files  # imported late: it takes seconds, and every worker imports this

    files = {file.suffix[1:]: str(file.absolute()) for file in report_files(out)}
    report = json.loads(Path(files["json"]).read_text(encoding="utf-8"))
    return {
        "verdicts": Counter(claim["verdict"] for claim in report["claims"] if claim["kind"] == "claim"),
        "claims": [{name: claim[name] for name in CLAIM_FIELDS} for claim in report["claims"]],
        "controls": [{name: control[name] for name in CONTROL_FIELDS} for control in report["controls"]],
        "files": files,
    }
