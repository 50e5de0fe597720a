"""Tables of tuned levels."""

from __future__ import annotations

import fabricate
import pandas as pd

from ablations import Study, Tuning
from ablations.framework.tuning import TuningResult
from reports.evidence import Evidence
from reports.rendering.blocks import Table
from reports.sections.tuning import build_tuning


def texts(table: Table) -> dict[str, list[str]]:
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


TUNED = Study(
    "?",
    (),
    arms={"relu": {}, "tanh": {}, "tanh, own": {}},
    tuning=Tuning("learning_rate", (0.001, 0.002, 0.004), {"relu": "relu", "tanh": "relu", "tanh, own": "tanh"}),
    name="mine",
)


def of_tuning(result: TuningResult):
    empty = pd.DataFrame()
    return build_tuning(
        TUNED, Evidence((TUNED,), fabricate.setting(), [], {}, empty, empty, empty, [], {"mine": result})
    )


def test_the_levels_that_were_tried_are_a_table_with_the_chosen_one_marked():
    scores = {"relu": {0.001: 0.4, 0.002: 0.6, 0.004: 0.5}, "tanh": {0.001: 0.3, 0.002: 0.2, 0.004: 0.1}}
    chosen = {"relu": 0.002, "tanh": 0.002, "tanh, own": 0.001}
    _, table = of_tuning(TuningResult([], scores, chosen))
    assert [column.label for column in table.columns] == ["Arm", "0.001", "0.002", "0.004"]
    assert texts(table) == {"relu": ["40.0", "60.0", "50.0"], "tanh": ["30.0", "20.0", "10.0"]}
    assert [[cell.best for cell in row[1:]] for row in table.rows] == [[False, True, False], [True, False, False]]
    assert [row[0].detail for row in table.rows] == ["also for tanh", "also for tanh, own"]


def test_an_unfinished_tuning_says_so():
    _, note = of_tuning(TuningResult([], {}, {}))
    assert note.title == "Not finished"
