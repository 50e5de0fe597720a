import os
from pathlib import Path

import pytest

from bench.data.source import locate
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial

FOLDER = os.environ.get("ABLATE_TEST_DATA", "")


@pytest.mark.skipif(
    not FOLDER, reason="ABLATE_TEST_DATA names no folder of real images (train/<class>/, test/<class>/)"
)
def test_a_small_trial_on_real_images_does_better_than_chance(tmp_path):
    source = locate(FOLDER, tmp_path)
    recipe = TrainConfig(epochs=15, share=min(1, 3_000 / source.data.train), augmentation="none", learning_rate=2e-3)
    trial = Trial(ModelConfig(classes=source.data.classes, width=1 / 8, dropout=0.0), recipe, source.data, 0)
    store.folder(tmp_path).mkdir()
    assert worker.perform(Task(trial, source, tmp_path, keep_weights=False)) == "finished"
    record = store.read(tmp_path, trial)
    assert record["data"]["test"] == len([f for f in Path(FOLDER).glob("test/*/*") if f.is_file()])
    assert store.final_metrics(record)["test/accuracy"] > 2 / source.data.classes
