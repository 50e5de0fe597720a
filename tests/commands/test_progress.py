"""The line of a finished job."""

import pytest

from ablations.framework.tuning import TUNING_SEEDS
from bench.runner.scheduler import Event
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from commands import progress


@pytest.mark.parametrize(
    "seed, line", [(0, "test accuracy 25.0 %"), *((seed, "validation accuracy 75.0 %") for seed in TUNING_SEEDS)]
)
def test_a_trial_of_a_tuning_shows_the_accuracy_by_which_it_is_judged(seed, line):
    trial = Trial(ModelConfig(), TrainConfig(), DataConfig("0123456789abcdef", 10), seed)
    points = [{"metrics": {"test/accuracy": 0.25, "validation/accuracy": 0.75}}]
    event = Event("done", trial, record={"status": "finished", "points": points})
    assert progress._outcome(event) == line
