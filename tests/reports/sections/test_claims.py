import dataclasses
from types import SimpleNamespace

import handmade
import pytest

from ablations import Published
from ablations.framework.waves import PlacedJob
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
from reports.rendering.blocks import Table, Verdicts
from reports.sections.claims import (
    build_claims,
    count_verdicts,
    summarise_checks,
    summarise_claim,
    tabulate_comparisons,
)


def build(*claims, literature=()):
    placed = [PlacedJob("sizes", "wide", None, Count(ModelConfig()))]
    evidence = SimpleNamespace(claims=claims, literature=literature, placed=placed, noise_floor=lambda judgement: None)
    return build_claims(evidence)


def tables(*judgements):
    return [block for block in build(*judgements) if isinstance(block, Table)]


def test_a_card_shows_every_precondition_with_number_bound_and_result():
    details = summarise_claim(handmade.judgement()).details
    assert [text for label, text in details if label == "Precondition"] == [
        "train accuracy of none: 99.2 %, met (at least 95 %)",
        "overfitting gap of none: 48.8 points, met (at least 10 points)",
    ]


def test_a_claim_that_cannot_be_tested_gives_number_and_advice_once():
    judgement = handmade.judgement("not testable here", train_accuracy=64.0)
    details = summarise_claim(judgement).details
    assert ("Precondition", "train accuracy of none: 64.0 %, not met (at least 95 %)") in details
    assert "Why" not in dict(details)
    assert "more epochs or a wider network" in dict(details)["What could change it"]


def test_a_card_names_setting_published_results_and_reason():
    claim = handmade.claim(published=(Published("+3.6 points", "Zhang et al. 2017"),))
    details = dict(summarise_claim(handmade.judgement(claim=claim)).details)
    assert details["Stated setting"] == "AlexNet scaled to the data"
    assert details["Published"] == "+3.6 points (Zhang et al. 2017)"
    assert details["Why"] == "both parts hold"


def test_checks_have_a_table_and_stand_below_the_stated_parts_in_that_of_all_comparisons():
    stated, (checks,) = tabulate_comparisons(handmade.judgement()), tables(handmade.judgement())
    assert [row[0].text for row in stated.rows] == [
        "test accuracy, both against none",
        "overfitting gap (train minus test accuracy), both against none",
        "twice the epochs: test accuracy, both, twice against none, twice",
    ]
    assert [(row[0].text, row[0].detail) for row in checks.rows] == [
        ("twice the epochs", "test accuracy, both, twice against none, twice")
    ]
    assert all(len(row) == len(table.columns) for table in (stated, checks) for row in table.rows)
    assert tables(handmade.judgement(checks=())) == []


def test_all_claims_of_a_study_share_a_table_of_robustness_checks_and_the_literature_stands_apart():
    other = handmade.judgement(claim=handmade.claim("other"))
    cards, heading, papers, checks = build(handmade.judgement(), literature=[other])
    assert isinstance(cards, Verdicts) and isinstance(papers, Verdicts) and isinstance(checks, Table)
    assert heading.text == "From the literature, not claimed by the article"
    assert ([line.name for line in cards.lines], [line.name for line in papers.lines]) == (["augmentation"], ["other"])
    assert [row[1].text for row in checks.rows] == ["augmentation", "other"]


@pytest.mark.parametrize(
    "fields, text, detail",
    [
        ({"differs": True}, "different from the stated setting", "+2.5 points [0.5, 4.5], p = 0.004"),
        ({}, "not shown to differ", "+2.5 points [0.5, 4.5], p = 0.400"),
        ({"interaction": None, "is_same_trials": True}, "the same trials", ""),
    ],
)
def test_a_check_says_whether_it_differs_from_the_stated_setting(fields, text, detail):
    *_, checks = tables(handmade.judgement(checks=(handmade.check(**fields),)))
    assert (checks.rows[0][-1].text, checks.rows[0][-1].detail.replace("\N{NO-BREAK SPACE}", " ")) == (text, detail)


def test_a_check_that_is_not_comparable_says_so_unless_none_is():
    incomparable = handmade.check(interaction=None)
    *_, checks = tables(handmade.judgement(checks=(incomparable, handmade.check())))
    assert [row[-1].text for row in checks.rows] == ["not comparable", "not shown to differ"]
    *_, checks = tables(handmade.judgement(checks=(incomparable,)))
    assert checks.columns[-1].label == "Pairs" and len(checks.rows[0]) == len(checks.columns)


def test_a_check_that_was_not_run_is_shown_as_such():
    check = dataclasses.replace(
        handmade.check(interaction=None), outcome=handmade.outcome(handmade.TWICE, "not run", "not_measured", pairs=0)
    )
    *_, checks = tables(handmade.judgement(checks=(check,)))
    assert checks.rows[0][2].verdict == "not run"


def test_diverged_trials_and_missing_pairs_stand_beside_the_verdict():
    outcomes = handmade.outcome(diverged=2, missing=1), handmade.outcome(handmade.GAP)
    stated = tabulate_comparisons(handmade.judgement(outcomes=outcomes))
    assert [row[1].detail for row in stated.rows] == ["1 missing, 2 diverged", "", ""]


def test_verdicts_are_counted_in_the_order_of_their_definition():
    judgements = [handmade.judgement(verdict) for verdict in ("not run", "negligible", "supported", "negligible")]
    assert count_verdicts(judgements) == ["1 supported", "2 negligible", "1 not run"]


def test_robustness_checks_are_counted_and_those_that_differ_are_named():
    assert summarise_checks([handmade.judgement(checks=())]) == ""
    text = summarise_checks([handmade.judgement(), handmade.judgement(checks=(handmade.check(differs=True),))])
    start = "2 robustness checks, 2 compared with the stated setting, 1 different from it"
    assert text == f"{start}: augmentation (twice the epochs)"
