from dataclasses import replace

import pytest

from bench.plan import Pace
from bench.spec import Data, Model, Recipe, Timing, Trial

TRIAL = Trial(Model(width=0.25), Recipe(epochs=10, share=0.5), Data("", 10, train=1_000), 0)


def record(trial, seconds):
    return {
        "kind": "trial",
        "status": "finished",
        "job": {"model": vars(trial.model), "recipe": vars(trial.recipe), "device": trial.device},
        "data": {"train": trial.data.train},
        "started": 100.0,
        "ended": 100.0 + seconds,
    }


def test_a_trial_takes_as_long_as_those_of_its_layout_and_width_did():
    pace = Pace([record(TRIAL, 6.0), record(replace(TRIAL, seed=1), 8.0)])
    assert pace.seconds(TRIAL) == pytest.approx(7)
    assert pace.seconds(replace(TRIAL, recipe=replace(TRIAL.recipe, epochs=20))) == pytest.approx(14)


@pytest.mark.parametrize("layout", ["document", "zhang", "torchvision", "ungrouped", "two-group"])
def test_a_wider_network_is_thought_to_take_longer_before_any_was_seen(layout):
    narrow, wide = (replace(TRIAL, model=Model(layout, width=width)) for width in (0.25, 0.5))
    assert Pace().seconds(wide) == pytest.approx(4 * Pace().seconds(narrow))


def test_workers_share_all_but_timings():
    timing = Timing("steps", (("a", Model()),), (8,), 10)
    pace = Pace([record(TRIAL, 6.0)])
    assert pace.left([TRIAL, TRIAL], 2) == pytest.approx(6)
    assert pace.left([timing], 2) == pace.left([timing], 1) == pace.seconds(timing)
