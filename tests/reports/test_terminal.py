"""What a report prints: it fits a screen."""

import dataclasses
import io
import re
import subprocess
from types import SimpleNamespace

import fabricate
import handmade
import pytest

from ablations.framework.request import Request
from bench.system.console import SafeConsole
from reports import terminal
from reports.evidence import gather
from reports.next_step import NextStep
from reports.report import Report
from reports.statistics.claim_verdicts import Judgement


def make_console(width: int, is_terminal: bool = False) -> SafeConsole:
    """Make a command's console, which writes into a string without colours."""
    console = SafeConsole()
    console.file, console.width, console._force_terminal = io.StringIO(), width, is_terminal
    return console


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    fabricate.write(out, [fabricate.activations(), fabricate.sizes()], fabricate.setting())
    return gather(out, [fabricate.activations(), fabricate.sizes()], fabricate.setting())


@pytest.fixture
def show(monkeypatch, tmp_path):
    """Return a function that prints a report on judgements, and returns its lines."""

    def show(judgements, width=100, note="", verbose=False, is_terminal=True, profile="quick"):
        report = Report(SimpleNamespace(judgements=judgements), [], "")
        monkeypatch.setattr(terminal, "write_report", lambda *_: report)
        request = Request((), [], fabricate.setting(name=profile), SimpleNamespace(note=note))
        console = make_console(width, is_terminal)
        assert terminal.show_report(request, tmp_path, console, verbose) is report
        return [line.rstrip() for line in console.file.getvalue().splitlines()]

    return show


def changed(judgement: Judgement, number: int = 0, **changes) -> Judgement:
    """Change the verdict or the reason of a judgement, and its name."""
    outcome = dataclasses.replace(judgement.main, **changes)
    claim = dataclasses.replace(judgement.claim, id=f"{judgement.claim.id}{number or ''}")
    return dataclasses.replace(judgement, claim=claim, verdict=outcome.verdict, outcomes=(outcome,), deciding=0)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_twenty_claims_fit_a_screen(evidence, show, width, is_terminal):
    literature = handmade.judgement("negligible", claim=handmade.claim("other", "literature"))
    judgements = [changed(evidence.claims[0], number) for number in range(20)] + evidence.controls * 14
    judgements += [literature] * 5
    text = show(judgements, width, is_terminal=is_terminal)
    assert len(text) <= 40  # with the command for MLflow and the next step, at most 45
    assert sum("ReLU is more" in line for line in text) == 20
    assert max(len(line) for line in text if "/" not in line) <= width  # a path is never broken


def test_the_literature_and_robustness_checks_have_a_line_each(show):
    literature = handmade.judgement("negligible", claim=handmade.claim("other", "literature"), checks=())
    text = show([handmade.judgement(checks=(handmade.check(differs=True),)), literature, literature])
    assert text[1:3] == ["1 claim on digits (scikit-learn), profile quick", "1 supported"]
    assert "From the literature: 2 negligible" in text
    sentence = (
        "1 robustness check, 1 compared with the stated setting, 1 different from it: augmentation (twice the epochs)"
    )
    assert sentence in " ".join(text)
    assert sum(handmade.SENTENCE in line for line in text) == 1


def test_the_verdicts_are_counted_and_controls_as_expected_take_one_line(evidence, show):
    text = show(evidence.judgements)
    assert text[1] == "4 claims on digits (scikit-learn), profile quick"
    verdicts = [judgement.verdict for judgement in evidence.claims]
    assert sum(int(number) for number in re.findall(r"\d+", text[2])) == 4
    assert all(f"{verdicts.count(verdict)} {verdict}" in text[2] for verdict in verdicts)
    assert [line for line in text if line.startswith("Controls")] == [
        "Controls: 1 as expected, 1 undecided (too few pairs)"
    ]
    assert not [line for line in text if ":a-a" in line or ":shuffled" in line]


def test_controls_that_came_out_wrong_are_listed_with_their_numbers_and_a_warning(evidence, show):
    control = next(control for control in evidence.controls if control.claim.id.endswith(":a-a"))
    wrong = changed(control, verdict="supported", estimate=2.0, interval=(1.5, 2.5))
    text = show([*evidence.claims, *evidence.controls[1:], wrong], 100)
    assert any(line.startswith("Controls: 1 as expected, 1 not as expected") for line in text)
    assert any(re.match(r"! unexpected +activations:a-a .* \+2\.00 points \[1\.50, 2\.50\]$", line) for line in text)
    assert "differs from itself under other seeds, so the verdicts on this baseline are in doubt." in " ".join(text)
    assert len(show([changed(wrong, number) for number in range(1, 30)])) < 20


def test_claims_that_were_not_measured_share_one_line(evidence, show):
    waiting = [changed(evidence.claims[0], n, verdict="not run", reason="not_measured") for n in range(1, 13)]
    text = show([*waiting, evidence.claims[1]], 80)
    line = next(line for line in text if line.startswith("not run: "))
    assert line.startswith("not run: relu-better1, relu-better2,") and line.endswith("...") and len(line) <= 80
    assert any("12 not run" in line for line in text)
    assert sum("relu-better" in line for line in text) == 1
    assert any("ReLU overfits less" in line for line in text)
    assert show(waiting, 80)[2:4] == [line, ""]


def test_a_claim_whose_records_mix_devices_keeps_its_line(evidence, show):
    mixed = changed(evidence.claims[0], verdict="not run", reason="devices_mixed", estimate=None, interval=None)
    assert any(line.startswith(". not run") and "ReLU is more" in line for line in show([mixed]))


def test_a_note_takes_one_line_in_a_terminal_and_is_whole_in_a_file(evidence, show):
    note = "word " * 40 + "end."
    assert [line for line in show(evidence.judgements, 80, note) if "word" in line] == [f"Note: {'word ' * 13}word..."]
    assert f"Note: {note}" in show(evidence.judgements, 80, note, is_terminal=False)


def test_a_smoke_report_says_that_it_is_no_result(evidence, show):
    assert "Not a result: the smoke profile only shows that the harness works." in show(
        evidence.judgements, profile="smoke"
    )
    assert not [line for line in show(evidence.judgements) if "Not a result" in line]


def test_an_incomplete_run_says_so(evidence, show, monkeypatch):
    monkeypatch.setattr(terminal, "count_trials", lambda *_: (12, 15))
    start = "Incomplete: 12 of 15 trials; run the same command again."
    assert [line for line in show(evidence.judgements, 200) if line.startswith(start)]
    monkeypatch.setattr(terminal, "count_trials", lambda *_: (15, 15))
    assert not [line for line in show(evidence.judgements) if line.startswith("Incomplete")]


def test_verbose_prints_the_tables_above_the_same_lines(evidence, show):
    brief, full = show(evidence.judgements, 120), show(evidence.judgements, 120, verbose=True)
    assert full[-len(brief) :] == brief
    assert any(line.startswith(" activations:a-a") for line in full)


@pytest.mark.parametrize(
    "step, command, line",
    [
        (NextStep("--seeds 9", "has more"), "ablate run --seeds 9", "Next:   ablate run --seeds 9"),
        (NextStep("--seeds 9", "has more"), "", "Next:   the same run with --seeds 9"),
        (NextStep("", "has more"), "", "Next:   the same run"),
    ],
)
def test_the_next_step_is_a_command_or_an_option(step, command, line):
    console = make_console(80)
    terminal.show_next_step(step, command, console)
    assert console.file.getvalue() == f"{line}\n        has more\n"


def test_a_long_command_is_broken_between_words_as_a_shell_reads_it():
    console = make_console(40, is_terminal=True)
    words = ["ablate", "run", "--data", "'my\N{NO-BREAK SPACE}own\N{NO-BREAK SPACE}images'", *["--retry-failed"] * 3]
    terminal.show_next_step(NextStep("", "adds seeds to the claims that are not decided yet"), " ".join(words), console)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 40
    command, _, effect = text.removeprefix("Next:").rpartition("--retry-failed\n")
    run = subprocess.run(["bash", "-c", f"printf '%s|' {command} x"], capture_output=True, text=True)
    assert run.stdout == "ablate|run|--data|my own images|--retry-failed|--retry-failed|x|"
    assert effect.split() == "adds seeds to the claims that are not decided yet".split()
