"""The end of a run: failures by reason, and the next command."""

import io
import sys
from types import SimpleNamespace

import pytest

from ablations import Setting
from bench.records import store
from bench.system.console import SafeConsole
from bench.tracking.address import load_views
from commands.ending import end_run
from commands.interface import TerminalInterface, repeat_command
from reports import arm_runs, next_step, terminal
from reports.next_step import NextStep

VIEW = "http://127.0.0.1:5000/#/experiments/2/runs?viewStateShareKey=whole-1"


class Queue:
    """A stand-in for the queue of MLflow that publishes if it has the address of a view."""

    def __init__(self, view=""):
        self.publisher, self.views, self.arms = view or None, {"": view} if view else {}, None

    def find_views(self, data, setting, studies):
        assert (data["name"], setting, studies) == ("digits", "quick, cpu, float32", ["relu"])
        return self.views

    def publish_report(self, name, files):
        self.files = files

    def publish_arms(self, arms):
        self.arms = arms


@pytest.fixture
def end(monkeypatch, tmp_path):
    """Return a function that ends a run with these records, and returns status and lines."""
    report = SimpleNamespace(evidence=SimpleNamespace(judgements=[]), blocks=[])
    monkeypatch.setattr(terminal, "show_report", lambda *_: report)
    monkeypatch.setattr(arm_runs, "build_arms", lambda *_: "arms")
    monkeypatch.setattr(next_step, "suggest_run", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["ablate", "run", "relu"])

    def end(records, later_jobs=0, verbose=False, width=100, title="relu / tanh / seed {}", view=""):
        monkeypatch.setattr(store, "read", lambda out, job: records[job])
        setting = Setting(SimpleNamespace(name="quick"), SimpleNamespace(name="digits"), "cpu", "float32")
        request = SimpleNamespace(setting=setting, studies=[SimpleNamespace(name="relu")])
        options, queue = SimpleNamespace(out=tmp_path, verbose=verbose), Queue(view)
        console = SafeConsole()
        console.file, console.width = io.StringIO(), width
        titles = {job: title.format(job) for job in records}
        agenda = SimpleNamespace(request=request, titles=titles, total=len(titles) + later_jobs)
        status, shown_report = end_run(options, agenda, queue, TerminalInterface(options, console))
        assert shown_report is report
        assert [file.name for file in queue.files][-1] == "run.json" and queue.arms == ("arms" if view else None)
        assert load_views(tmp_path) == queue.views
        return status, console.file.getvalue().splitlines()

    return end


def failed(reason, status="failed"):
    return {"status": status, "reason": reason}


FINISHED = {"status": "finished", "reason": ""}


def test_failures_are_grouped_by_reason_and_their_number_is_bounded(end):
    records = {seed: failed(f"RuntimeError: shape [{seed}, 3] is invalid " + "x" * 300) for seed in range(200)}
    records |= {200 + n: failed("its worker died", "died") for n in range(3)}
    records |= {300 + n: failed(f"ValueError: {'abcdefgh'[n]}") for n in range(8)} | {400: FINISHED}
    status, text = end(records)
    assert status == 1
    assert text[1] == "211 jobs failed:"
    assert text[2] == "  200 failed: RuntimeError: shape [0, 3] is invalid... (such as relu / tanh / seed 0)"
    assert text[3] == "  3 died: its worker died (such as relu / tanh / seed 200)"
    assert text[4] == "  1 failed: ValueError: a (relu / tanh / seed 300)"
    assert text[7:] == [
        "  5 for other reasons: --verbose lists every failed job",
        "Next:   ablate run relu --retry-failed",
        "        reruns 211 failed jobs",
    ]


def test_a_long_title_and_a_long_reason_share_one_line(end):
    _, text = end({1: failed("the reason " * 30)}, width=80, title="a study / " * 30 + "seed {}")
    line = next(line for line in text if line.startswith("  1 failed: the reason the reason"))
    assert len(line) <= 80 and line.endswith("...)") and "(a study / a study" in line


def test_verbose_lists_every_failed_job_with_its_whole_reason(end):
    records = {seed: failed(f"RuntimeError: {seed} " + "x" * 200) for seed in range(20)}
    _, text = end(records, verbose=True)
    assert [line for line in text if line.startswith("  failed: ")] == [
        f"  failed: relu / tanh / seed {seed}: RuntimeError: {seed} {'x' * 200}" for seed in range(20)
    ]


@pytest.mark.parametrize(
    "records, later_jobs, command, effect",
    [
        ({1: None, 2: FINISHED}, 0, "ablate run relu", "runs 1 job without a record yet"),
        ({1: None}, 7, "ablate run relu", "runs 8 jobs without a record yet"),
        ({1: failed("x")}, 0, "ablate run relu --retry-failed", "reruns 1 failed job"),
        (
            {1: failed("x"), 2: None, 3: None},
            0,
            "ablate run relu --retry-failed",
            "reruns 1 failed job, runs 2 jobs without a record yet",
        ),
    ],
)
def test_jobs_that_failed_or_are_missing_come_next(end, records, later_jobs, command, effect):
    assert end(records, later_jobs)[1][-2:] == [f"Next:   {command}", f"        {effect}"]


def test_after_a_whole_run_the_undecided_claims_come_next_or_nothing(end, monkeypatch):
    assert end({1: FINISHED}) == (0, [])
    monkeypatch.setattr(next_step, "suggest_run", lambda *_: NextStep("--seeds 24", "has more pairs"))
    assert end({1: FINISHED}) == (0, ["Next:   ablate run relu --seeds 24", "        has more pairs"])


def test_the_view_of_all_arms_takes_one_line(end, tmp_path):
    """A database is served by a command that prints the view; the address of a server's view is not broken."""
    assert end({1: FINISHED}, view=VIEW) == (0, [f"MLflow: ablate ui --out {tmp_path}"])
    server = VIEW.replace("127.0.0.1", "mlflow.example")
    assert end({1: FINISHED}, view=server, width=40) == (0, [f"MLflow: {server}"])


def test_the_words_of_the_next_command_are_quoted_and_stay_whole(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ablate", "run", "--data", "my images"])
    assert repeat_command("") == "ablate run --data 'my\N{NO-BREAK SPACE}images'"


@pytest.mark.parametrize(
    "words, option, command",
    [
        ("ablate run", "", "ablate run"),
        ("ablate run --seeds 5 --out o", "--seeds 24", "ablate run --seeds 24 --out o"),
        ("ablate run --seeds=5 --out=o", "--seeds 24", "ablate run --out=o --seeds 24"),
        ("ablate run --retry-failed", "--retry-failed", "ablate run --retry-failed"),
    ],
)
def test_the_next_command_is_the_last_one_with_an_option(monkeypatch, words, option, command):
    monkeypatch.setattr(sys, "argv", words.split())
    assert repeat_command(option) == command


def test_under_torchrun_only_the_option_is_named(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert repeat_command("--retry-failed") == ""
