"""The lines of verdicts at the end of a run, and the detailed tables."""

import io

import handmade
import pytest

from ablations import Claim, Contrast
from bench.system.console import SafeConsole
from reports.statistics.claim_verdicts import VERDICTS, Judgement
from reports.statistics.outcomes import Outcome
from reports.text.formatting import MINUS, NOTHING
from reports.verdict_tables import list_verdicts, tabulate_verdicts

SENTENCE = "Dropout makes the units of the last hidden layer less correlated, and raises their effective rank"
NUMBERS = f"{MINUS}10.2 points [{MINUS}11.5, {MINUS}9.0]"


def judgement(verdict="supported", name="dropout-coadaptation", sentence=SENTENCE, kind="claim", measured=True):
    part = Contrast("test/accuracy", "p = 0.5", "p = 0", 1.0)
    numbers = {"estimate": -10.25, "interval": (-11.5, -9.0)} if measured else {}
    outcome = Outcome(part, verdict, "margin_reached", **numbers)
    return Judgement("s", Claim(name, sentence, (part,), kind=kind), verdict, (outcome,))


def lines(judgements, width):
    return shown([list_verdicts(judgements, width)], width)


def shown(tables, width):
    console = SafeConsole()
    console.file, console.width = io.StringIO(), width
    for table in tables:
        console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_every_claim_has_one_line_within_the_width(width):
    text = lines([judgement()] * 20, width)
    assert len(text) == 21
    assert max(map(len, text)) <= width


def test_a_sentence_is_cut_after_a_word_and_the_names_come_where_there_is_room():
    assert lines([judgement()], 80) == [
        "  verdict    claim                                   estimate [95 % interval]",
        f"+ supported  Dropout makes the units of the last...  {NUMBERS}",
    ]
    assert lines([judgement()], 160)[1] == (f"+ supported  dropout-coadaptation  {SENTENCE}  {NUMBERS}")


def test_every_verdict_has_a_sign_that_differs_and_needs_neither_colour_nor_a_letter_beyond_ascii():
    text = lines([judgement(verdict, sentence="A sentence") for verdict in VERDICTS], 80)[1:]
    signs = {verdict: line[0] for verdict, line in zip(VERDICTS, text, strict=True)}
    assert all(line[2:].startswith(verdict) for verdict, line in zip(VERDICTS, text, strict=True))
    assert "".join(signs.values()).isascii()
    assert len(set(signs.values())) == len(VERDICTS) - 1 and signs["underpowered"] == signs["inconclusive"]


def test_wide_letters_and_a_missing_estimate_keep_a_claim_on_one_line():
    text = lines([judgement(sentence="\u5b8c" * 200), judgement("not run", measured=False)], 80)
    assert len(text) == 3 and text[2].startswith(". not run") and text[2].endswith(NOTHING)


def test_an_unexpected_control_is_named_at_every_width():
    control = judgement("refuted", "relu:a-a", "The baseline differs from itself under other seeds", kind="control")
    assert lines([control], 80)[1].startswith("! unexpected  relu:a-a  The baseline differs")


def test_the_detailed_tables_name_comparison_requirement_and_pairs():
    tables = tabulate_verdicts([judgement(), judgement("negligible", "s:a-a", kind="control")])
    text = "\n".join(shown(tables, 200))
    for word in ("test accuracy, p = 0.5 against p = 0", "at least +1", "s:a-a", "as it should", "within ±1"):
        assert word in text


def test_the_detailed_tables_name_preconditions_and_robustness_checks():
    text = "\n".join(shown(tabulate_verdicts([handmade.judgement(checks=(handmade.check(differs=True),))]), 300))
    for words in ("met (at least 95 %)", "twice the epochs", "different from the stated setting", "p = 0.004"):
        assert words in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_claim_that_cannot_be_tested_shows_the_number_of_its_precondition():
    text = lines([handmade.judgement("not testable here", train_accuracy=64.0)], 100)
    assert text[1].startswith("- not testable here  ") and text[1].endswith("train accuracy 64.0 %, not at least 95 %")
    assert "Mirroring and random" in text[1] and len(text[1]) <= 100
