"""`ablate run --json`: every line is an event with the documented fields, whatever happens."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from documented_events import assert_documented

import ablate
from bench.runner.scheduler import Event
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import Interrupted
from bench.spec.jobs import Trial, identity
from bench.system.console import SafeConsole
from commands import run
from commands.ending import Ending
from commands.json_events import EventStream, JsonDisplay
from commands.progress import Display, RunProgress

HOSTILE = '\x1b[2J"}\n{\\ \u2028\u202e'
TRIAL = Trial(ModelConfig(), TrainConfig(), DataConfig("0123456789abcdef", 10), 3)


def make_display(file):
    agenda = SimpleNamespace(
        request=SimpleNamespace(
            studies=[SimpleNamespace(name=HOSTILE)],
            setting=SimpleNamespace(
                data=TRIAL.data, profile=SimpleNamespace(name="quick", seeds=5), seeds=None, device="cpu", precision=""
            ),
        ),
        out=Path("out"),
        arms={identity(TRIAL): [(HOSTILE, "arm"), ("other", "arm")]},
        titles={TRIAL: HOSTILE},
        expected_jobs={1: None, 2: None},
        has_open_looks=False,
        wave=1,
        total=9,
    )
    durations = SimpleNamespace(remaining_s=lambda *_: 2.5, learn=lambda record: None)
    progress = RunProgress(agenda, durations, workers=2)
    return JsonDisplay(Display(SafeConsole(), progress), progress, EventStream(file))


def test_each_event_of_a_job_is_a_line_with_the_documented_fields():
    display = make_display(file := io.StringIO())
    record = {"kind": "trial", "started": 2.0, "ended": 3.5, "points": [{"metrics": {"test/accuracy": 0.5}}]}
    point = {"step": 4, "epoch": 2, "time": 1.0, "metrics": {"test/loss": float("nan")}}
    with display.screen:
        display.show(Event("started", TRIAL))
        display.show(Event("point", TRIAL, point=point))
        display.show(Event("elsewhere", TRIAL))
        display.show(Event("failed", TRIAL, record=record | {"status": "died", "reason": HOSTILE}))
        display.progress.agenda.wave = 3
        display.show(Event("done", TRIAL, record=record | {"status": "finished", "reason": ""}))
    assert file.getvalue().isascii()
    events = list(map(json.loads, file.getvalue().splitlines()))
    assert_documented(events)
    assert [event["event"] for event in events] == [
        "run_started", "job_started", "point", "job_elsewhere", "job_failed", "wave_ended", "job_done", "wave_ended"
    ]  # fmt: skip
    _, started, measured, _, failed, first_wave, done, last_wave = events
    job = {"identity": identity(TRIAL), "kind": "trial", "study": HOSTILE, "arm": "arm", "seed": 3}
    assert job.items() <= started.items() and job.items() <= done.items()
    assert (measured["step"], measured["epoch"], measured["metrics"]) == (4, 2, {"test/loss": None})
    assert (failed["status"], failed["reason"], failed["duration_s"], failed["metrics"]) == ("died", HOSTILE, 1.5, {})
    assert (done["metrics"], done["done"], done["total"]) == ({"test/accuracy": 0.5}, 7, 9)
    assert (first_wave["wave"], last_wave["wave"]) == (1, 3)


@pytest.mark.parametrize(
    "words, status, error",
    [
        (("--seeds", "few"), 2, "argument --seeds: invalid int value: 'few'; see: ablate run --help"),
        (("--seeds", "0"), 2, "--seeds is 0: expected 1 to"),
        (("nope",), 2, "study 'nope' not found"),
        ((), 143, "stopped; finished jobs are kept; run the same command again to continue"),
        ((), 1, "RuntimeError: a defect"),
    ],
)
def test_a_run_that_ends_early_says_so_in_its_last_event(monkeypatch, capfd, tmp_path, words, status, error):
    failure = {143: Interrupted(15), 1: RuntimeError("a defect")}.get(status)
    if failure:
        monkeypatch.setattr(ablate, "check_out", Mock(side_effect=failure))
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # which the command replaces
    arguments = ["run", "--json", "--data", "digits", "--device", "cpu", "--out", str(tmp_path), *words]
    if status == 1:
        with pytest.raises(RuntimeError):
            ablate.main(arguments)
    else:
        assert ablate.main(arguments) == status
    output = capfd.readouterr()
    (event,) = map(json.loads, output.out.splitlines())
    assert_documented([event])
    assert (event["event"], event["exit_status"]) == ("run_ended", status)
    assert event["error"].startswith(error) and (status == 1 or event["error"] in output.err)


def test_a_run_with_a_failed_job_ends_with_status_1_and_its_verdicts(monkeypatch, capfd, smoke):
    monkeypatch.setattr(run, "perform_run", lambda *_: Ending(1))
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # which the command replaces
    assert ablate.main(["run", "--json", "--out", str(smoke.out)]) == 1
    (event,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert (event["exit_status"], [claim["id"] for claim in event["claims"]]) == (1, ["tanh-better"])
    assert [control["id"] for control in event["controls"]] == ["my_study:a-a", "my_study:shuffled"]
