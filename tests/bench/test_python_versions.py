"""Numbers do not depend on the version of Python: since 3.12 `sum` adds floats in another way."""

import sys

from bench.probes import ensembles
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Probe, Trial

MEASURING = ("bench.metrics", "bench.models", "bench.probes", "bench.training", "bench.timing")


def sum_without_floats(values, start=0):
    values = list(values)
    assert not any(isinstance(value, float) for value in values), "sum() of floats: take math.fsum"
    return sum(values, start)


def test_no_number_of_a_record_is_a_sum_of_floats(digits, tmp_path, monkeypatch):
    model = ModelConfig("document", width=1 / 16, normalisation="lrn", dropout=0.5)
    trials = tuple(Trial(model, TrainConfig(epochs=1, share=0.16), digits.data, seed) for seed in range(5))
    monkeypatch.setattr(ensembles, "MASKS_PER_NETWORK", 2)
    questions = ("activity", "co-adaptation", "competition", "averages")
    for module in [module for name, module in sys.modules.items() if name.startswith(MEASURING)]:
        monkeypatch.setattr(module, "sum", sum_without_floats, raising=False)
    store.folder(tmp_path).mkdir()
    for job in (*trials, *(Probe(question, trials) for question in questions)):
        status = worker.perform(Task(job, digits, tmp_path, keep_weights=True))
        assert status == "finished", store.read(tmp_path, job)
