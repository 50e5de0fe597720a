"""The report of a run in progress: when it is written, what it costs, and how it ends."""

from __future__ import annotations

import sys
import threading
import time
from io import StringIO
from itertools import pairwise

import pytest
from rich.console import Console

from bench.runner.scheduler import Event
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Count, Timing, Trial
from reports.live_report import LiveReport, ReportWriter

TRIAL = Trial(ModelConfig(), TrainConfig(), DataConfig("0123456789abcdef", classes=10, train=100), 0)
TIMING = Timing("steps", (("relu", ModelConfig()),), (128,), 5)
DONE = Event("done", TRIAL, record={"status": "finished"})
HOUR_S = 3600.0


class FakeRun:
    """An hour of a run in which trials end all the time, and the reports that are written in it.

    Takes the place of a writer whose reports need `cost_s` of computing in `wall_s`, of the event that makes a report
    due, and of the one that ends the run.
    """

    def __init__(self, cost_s: float = 0.0, wall_s: float = 0.0, error: str = "") -> None:
        self.cost_s, self.wall_s, self.error = cost_s, wall_s, error
        self.now_s, self.starts_s, self.output = 0.0, [], StringIO()
        self.live = LiveReport(self, Console(file=self.output, width=200), min_delay_s=60.0)
        self.live.has_stopped = self.live.is_due = self
        self.is_due = False

    def resume(self) -> None:
        pass

    def set(self) -> None:
        self.is_due = True

    def clear(self) -> None:
        self.is_due = False

    def is_set(self) -> bool:
        return self.now_s >= HOUR_S

    def write(self) -> tuple[float, str]:
        self.starts_s.append(self.now_s)
        self.now_s += self.wall_s
        self.live.update(DONE)
        return self.cost_s, self.error

    def wait(self, delay_s: float) -> None:
        self.now_s += 0.0 if self.is_due else delay_s


def follow(**values) -> FakeRun:
    fake_run = FakeRun(**values)
    fake_run.live.update(DONE)
    fake_run.live.renew()
    return fake_run


@pytest.mark.parametrize("cost_s", [0.1, 4.0, 15.0, 40.0])
def test_reports_compute_for_at_most_three_percent_of_the_time_after_the_first(cost_s):
    fake_run = follow(cost_s=cost_s, wall_s=5 * cost_s)
    starts_s = fake_run.starts_s
    assert starts_s[0] == 60.0, "the first report begins a minute after the first trial's end"
    costs = [cost_s / (later - earlier) for earlier, later in pairwise(starts_s)]
    assert costs and max(costs) <= 0.03
    assert min(costs) >= 0.025 or cost_s < 1.8, "a report is renewed as soon as its cost allows"


def test_two_reports_lie_a_minute_apart_however_cheap_they_are():
    assert follow().starts_s[:4] == [60.0, 120.0, 180.0, 240.0]


def test_a_report_is_written_at_once_at_the_end_of_a_wave():
    fake_run = FakeRun(cost_s=4.0)
    fake_run.live.renew_now()
    fake_run.live.renew()
    assert fake_run.starts_s[:2] == [0.0, pytest.approx(4.0 / 0.03)]


def test_only_the_end_of_a_trial_is_news():
    live = FakeRun().live
    for event in (Event("started", TRIAL), Event("point", TRIAL, point={}), Event("elsewhere", TRIAL)):
        live.update(event)
    live.update(Event("done", Count(ModelConfig()), record={"status": "finished"}))
    assert not live.has_news.is_set()
    live.update(DONE)
    assert live.has_news.is_set()


def test_no_report_is_written_again_without_news():
    fake_run, is_written = FakeRun(), threading.Event()
    fake_run.write = lambda: (fake_run.starts_s.append(fake_run.now_s), is_written.set(), (0.0, ""))[-1]
    fake_run.live.update(DONE)
    fake_run.live.thread.start()
    assert is_written.wait(10)
    fake_run.live.thread.join(0.2)
    assert fake_run.live.thread.is_alive() and fake_run.starts_s == [60.0]
    fake_run.now_s = HOUR_S
    fake_run.live.has_news.set()
    fake_run.live.thread.join(10)
    assert not fake_run.live.thread.is_alive() and fake_run.starts_s == [60.0]


def test_a_failing_report_is_named_once_and_tried_again():
    fake_run = follow(error="the disk is full")
    assert len(fake_run.starts_s) > 10
    assert fake_run.output.getvalue().count("The live report failed: the disk is full") == 1
    assert fake_run.output.getvalue().count("\n") == 1


def make_writer(tmp_path, code: str) -> ReportWriter:
    """Make a writer whose process runs this code in place of the report."""
    writer = ReportWriter(tmp_path)
    writer.words = [sys.executable, "-S", "-c", code]
    return writer


def test_the_cost_is_the_time_of_computing_and_not_of_waiting(tmp_path):
    busy = "import time\nwhile time.process_time() < 0.3: pass\ntime.sleep(1)"
    cost_s, error = make_writer(tmp_path, busy).write()
    assert 0.25 <= cost_s < 0.9 and error == ""


@pytest.mark.parametrize(
    "code, line",
    [
        ("import sys; sys.exit('one\\ntwo\\n\\n')", "two"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
    ],
)
def test_the_last_line_of_an_error_is_returned(tmp_path, code, line):
    assert make_writer(tmp_path, code).write()[1] == line


def test_a_process_that_cannot_be_started_is_an_error(tmp_path):
    writer = ReportWriter(tmp_path)
    writer.words = [str(tmp_path / "nothing")]
    assert "No such file" in writer.write()[1]


ENDLESS = "import time; print('started', flush=True); time.sleep(60)"


def wait_for_process(writer: ReportWriter) -> None:
    end_s = time.monotonic() + 10
    while writer.process is None:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_timing_ends_the_report_and_none_is_written_until_another_job_starts(tmp_path):
    writer, results = make_writer(tmp_path, ENDLESS), []
    live = LiveReport(writer, Console(file=StringIO()))
    thread = threading.Thread(target=lambda: results.append(writer.write()))
    thread.start()
    wait_for_process(writer)
    live.update(Event("started", TIMING))
    thread.join(10)
    assert results[0][1] == "" and writer.process.returncode != 0
    first_process = writer.process
    assert writer.write() == (0.0, "") and writer.process is first_process
    writer.words[-1] = "pass"
    live.update(Event("done", TIMING, record={"status": "finished"}))
    assert writer.write() == (0.0, "")
    live.update(Event("started", TRIAL))
    writer.write()
    assert writer.process.returncode == 0


def test_the_end_of_a_run_ends_the_report_even_after_ctrl_c(tmp_path):
    writer, output = make_writer(tmp_path, ENDLESS), StringIO()
    start_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt), LiveReport(writer, Console(file=output), min_delay_s=0.0) as live:
        live.update(DONE)
        wait_for_process(writer)
        raise KeyboardInterrupt
    assert time.monotonic() - start_s < 10
    assert not live.thread.is_alive() and writer.process.returncode != 0
    assert output.getvalue() == ""


def test_a_run_without_a_trial_ends_at_once(tmp_path):
    with LiveReport(ReportWriter(tmp_path), Console(file=StringIO())) as live:
        pass
    assert not live.thread.is_alive() and live.writer.process is None
