"""The further run that is suggested after a report."""

import dataclasses

import fabricate
import pytest

from ablations import Claim, Contrast
from reports.next_step import MAX_SEEDS, suggest_run
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome

STUDY = fabricate.activations()
SETTING = fabricate.setting(5)
FACTORIAL = dataclasses.replace(STUDY, name="factorial", switches={"a": {}})


def undecided(study=STUDY.name, verdict="underpowered", metric="test/accuracy", reason="nothing_shown", **numbers):
    part = Contrast(metric, "relu", "tanh", 1.0)
    claim = Claim(f"{study}-{numbers.get('needed')}", "A sentence", (part,))
    return Judgement(study, claim, verdict, (Outcome(part, verdict, reason, **numbers),))


def suggest(*judgements, study=STUDY, setting=SETTING):
    return suggest_run([study], setting, judgements)


@pytest.mark.parametrize(
    "judgement",
    [undecided(verdict="supported"), undecided(verdict="not run"), undecided(metric="time/step_ms", needed=20)],
)
def test_what_seeds_cannot_decide_needs_no_further_run(judgement):
    assert suggest(judgement) is None


@pytest.mark.parametrize("study, setting", [(FACTORIAL, SETTING), (STUDY, SETTING._replace(seeds=15))])
def test_where_no_seeds_can_be_added_the_number_that_the_report_names_is_suggested(study, setting):
    claims = [undecided(study.name, pairs=15, needed=needed) for needed in (40, 24, MAX_SEEDS + 1, 3, None)]
    step = suggest(*claims, study=study, setting=setting)
    assert step.option == "--seeds 40" and f"{study.name}-40" in step.effect
    assert suggest(*claims[2:], study=study, setting=setting) is None


def test_a_sequential_run_is_repeated_until_its_last_analysis():
    setting = SETTING._replace(seeds=None)
    assert suggest(undecided(pairs=3, interim_analysis=1), setting=setting).option == ""
    assert suggest(undecided(pairs=12, interim_analysis=4), setting=setting) is None
    assert suggest(undecided(pairs=12, interim_analysis=4, needed=30), setting=setting) is None


def test_timings_of_a_busy_machine_are_repeated():
    busy = undecided(verdict="inconclusive", metric="time/step_ms", reason="machine_busy")
    assert suggest(busy).option == "" and "repeats the timings" in suggest(busy).effect


def test_a_smoke_run_is_followed_by_one_that_measures():
    assert suggest(undecided(pairs=2), setting=fabricate.setting(2, "smoke")).option == "--profile quick"


def test_robustness_checks_and_the_literature_need_no_further_run():
    claim = dataclasses.replace(undecided().claim, kind="literature")
    assert suggest(dataclasses.replace(undecided(pairs=5, needed=24), claim=claim)) is None
