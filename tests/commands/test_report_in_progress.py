"""A run keeps report.html up to date while it works, and whole whatever happens to it."""

import re
import shutil

import pytest

import ablate as command_line
from bench.records import store
from bench.runner.scheduler import Event
from commands import progress, report, run


@pytest.fixture
def killed_run(smoke, tmp_path):
    """The folder of a run that was killed after five of its eight trials, before any report."""
    out = shutil.copytree(smoke.out, tmp_path / "out", ignore=shutil.ignore_patterns("reports", "mlflow.db"))
    for file in sorted(store.folder(out).glob("*.json"))[:3]:
        file.unlink()
    (out / "reports").mkdir()
    return out


def test_the_command_that_a_run_starts_writes_a_whole_page_and_nothing_else(ablate, killed_run):
    process = ablate("report", "--in-progress", "--out", killed_run)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert [file.name for file in (killed_run / "reports").iterdir()] == ["report.html"]
    text = (killed_run / "reports" / "report.html").read_text(encoding="utf-8")
    assert "In progress: 5 of 8 trials; verdicts may change" in text
    assert text.startswith("<!DOCTYPE html>") and text.endswith("</html>")


def test_a_live_report_ends_with_its_run(monkeypatch):
    """Otherwise a slow one would replace the report of the next run."""
    statuses = []
    monkeypatch.setattr(report.os, "_exit", statuses.append)
    report._exit_with_parent(parent=-1)
    assert statuses == [1]


class RecordingReport:
    """Takes the place of a live report, and records what happens to it."""

    calls: list

    def __init__(self, writer, console):
        type(self).calls = [writer.words[-1]]

    def __enter__(self):
        self.calls.append("begins")
        return self

    def __exit__(self, *_):
        self.calls.append("ends")

    def update(self, event):
        self.calls.append(event)

    def renew_now(self):
        self.calls.append("renewed")


def test_a_run_tells_its_live_report_of_every_event_and_wave_and_ends_it_before_the_last_one(
    smoke, killed_run, monkeypatch, capsys
):
    event = Event("elsewhere", "a job")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(run, "LiveReport", RecordingReport)
    monkeypatch.setattr(progress.Display, "show", lambda *_: None)
    monkeypatch.setattr(run, "run", lambda jobs, _: iter([event] * bool(jobs)))
    monkeypatch.setattr(run, "end_run", lambda *_: RecordingReport.calls.append("last report") or run.Ending(0))
    command_line.main(["run", *smoke.arguments, "--out", str(killed_run)])
    *start, ends, last = RecordingReport.calls
    assert start[:4] == [str(killed_run), "begins", event, "renewed"] and (ends, last) == ("ends", "last report")
    assert start[2:] == [event, "renewed"] * (
        len(start) // 2 - 1
    )  # the jobs of a wave stay missing, and begin the next
    line, *_ = re.findall("^Report: .*$", capsys.readouterr().out, re.MULTILINE)
    assert line == f"Report: {killed_run / 'reports' / 'report.html'}, renewed while the run works"
