"""Records of failed jobs, and the environment in records."""

from __future__ import annotations

import itertools

import pytest
import torch

from bench.records import store, validation
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Timing, Trial
from bench.training import checkpoint


@pytest.fixture
def failed(digits, tmp_path, monkeypatch):
    """The record of a trial whose training raises, one step after a checkpoint."""

    def fail(error):
        def train(*_):
            yield {"state": {}}
            raise error

        monkeypatch.setattr("bench.runner.trial.train", train)
        trial = Trial(ModelConfig(width=1 / 16), TrainConfig(epochs=2, share=0.2), digits.data, 0)
        store.folder(tmp_path).mkdir(exist_ok=True)
        previous_end = (store.read(tmp_path, trial) or {}).get("ended")
        worker.perform(Task(trial, digits, tmp_path, previous_end=previous_end))
        return store.read(tmp_path, trial)

    return fail


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=str,
)
def test_memory_that_is_not_there_has_a_status_of_its_own(failed, error, monkeypatch):
    monkeypatch.setattr("os._exit", lambda code: None)
    assert failed(error)["status"] == "out of memory"


def test_a_failure_keeps_the_checkpoint_for_the_next_attempt(failed, tmp_path):
    record = failed(RuntimeError("no luck"))
    assert (record["status"], record["reason"]) == ("failed", "RuntimeError: no luck")
    left = {file.suffix for file in store.unfinished_files(tmp_path, record["identity"]) if file.exists()}
    assert left == {".part", ".checkpoint"}
    assert checkpoint.path(tmp_path, record["identity"]).exists()


def test_a_worker_exits_after_an_error_that_would_break_its_later_jobs(failed, monkeypatch):
    ends = []
    monkeypatch.setattr("os._exit", ends.append)
    assert failed(RuntimeError("no luck"))["status"] == "failed" and ends == []
    assert failed(RuntimeError("CUDA error: an illegal memory access was encountered"))["status"] == "failed"
    assert ends == [1]


def test_an_impossible_number_fails_its_job_and_a_clock_that_is_set_back_does_not(digits, tmp_path, monkeypatch):
    timing = Timing("steps", (("relu", ModelConfig(width=1 / 16)),), (8,), 1)
    sample = {"arm": "relu", "pair": 0, "metric": "time/step_ms", "value": 1.5}
    store.folder(tmp_path).mkdir()

    def perform(value):
        result = {"samples": [sample | {"value": value}], "fit": True, "why_unfit": ""}
        monkeypatch.setattr("bench.timing.measurement.measure", lambda timing: result)
        previous_end = (store.read(tmp_path, timing) or {}).get("ended")
        worker.perform(Task(timing, digits, tmp_path, previous_end=previous_end))
        return store.read(tmp_path, timing)

    record = perform(-1.5)
    assert record["status"] == "failed" and "time/step_ms is -1.5: expected 1e-09 to inf" in record["reason"]
    clock = itertools.count(2e9, -10)
    monkeypatch.setattr(worker.time, "time", lambda: next(clock))
    record = perform(1.5)
    assert record["status"] == "finished" and record["ended"] == record["started"]
    assert validation.load_valid(store.path(tmp_path, timing)) == record
