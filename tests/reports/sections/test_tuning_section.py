"""Tables of tuned levels."""

from __future__ import annotations

import dataclasses
import math

import fabricate
import pandas as pd

from ablations import Study, Tuning
from ablations.framework.tuning import TuningResult
from reports.evidence import Evidence
from reports.rendering.blocks import Table
from reports.sections.tuning import build_tuning
from reports.text.formatting import NOTHING


def texts(table: Table) -> dict[str, list[str]]:
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


TUNED = Study(
    "?",
    (),
    arms={"relu": {}, "tanh": {}},
    tuning=Tuning("learning_rate", (0.001, 0.002, 0.004), ("relu", "tanh")),
    name="mine",
)


def of_tuning(result: TuningResult):
    empty = pd.DataFrame()
    return build_tuning(
        TUNED, Evidence((TUNED,), fabricate.setting(), [], {}, empty, empty, empty, [], {"mine": result})
    )


def test_the_levels_that_were_tried_are_a_table_with_the_chosen_one_marked():
    """The best two levels show the score of all epochs; that of fewer epochs is smaller, below it."""
    short_scores = {"relu": {0.001: 0.4, 0.002: 0.6, 0.004: 0.5}, "tanh": {0.001: 0.3, 0.002: 0.2, 0.004: 0.1}}
    scores = {"relu": {0.002: 0.7, 0.004: 0.65}, "tanh": {0.001: 0.35, 0.002: 0.25}}
    chosen = {"relu": 0.002, "tanh": 0.001}
    _, table = of_tuning(TuningResult([], [], short_scores, scores, chosen))
    assert [column.label for column in table.columns] == ["Arm", "0.001", "0.002", "0.004"]
    assert texts(table) == {"relu": [NOTHING, "70.0", "65.0"], "tanh": ["35.0", "25.0", NOTHING]}
    assert [row[1].detail for row in table.rows] == ["40.0", "30.0"]
    assert [[cell.best for cell in row[1:]] for row in table.rows] == [[False, True, False], [True, False, False]]


def test_an_unfinished_tuning_says_so():
    _, note = of_tuning(TuningResult([], [], {}, {}, {"relu": 0.001}))
    assert note.title == "Not finished" and "1 arm without" in note.text


def test_steps_to_an_error_are_counted_and_a_level_that_did_not_arrive_says_so():
    """The best level arrives with a ninth of the epochs, so that no further round follows."""
    tuning = dataclasses.replace(TUNED.tuning, metric="speed/steps_to_train_error_25", arms=("relu",))
    study = dataclasses.replace(TUNED, tuning=tuning)
    result = TuningResult([], [], {"relu": {0.001: 1092.5, 0.002: math.inf}}, {"relu": {}}, {"relu": 0.001})
    empty = pd.DataFrame()
    evidence = Evidence((study,), fabricate.setting(), [], {}, empty, empty, empty, [], {"mine": result})
    _, table = build_tuning(study, evidence)
    assert texts(table) == {"relu": [NOTHING, NOTHING]}
    assert [(cell.detail, cell.best, cell.sort) for cell in table.rows[0][1:]] == [
        ("1,092", True, 1092.5),
        ("not reached", False, None),  # no report.pdf can hold an infinite number
    ]
    assert table.caption == "mine: Steps to 25 % training error, by learning rate"
    assert table.remark.startswith("Seed 500. Small: with a ninth of the epochs")
