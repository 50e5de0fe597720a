import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch

from bench.metrics import memory
from bench.runner.backends.local import WORKER_ENVIRONMENT


def free_memory_is_kept():
    """Measure in a process like a worker: megabytes before, with and after a large tensor."""
    before = memory.reset_peak_memory("cpu") and memory.peak_memory_mb("cpu")
    large = torch.ones(25_000_000)
    peak = memory.peak_memory_mb("cpu")
    del large
    return before, peak, memory.reset_peak_memory("cpu") and memory.peak_memory_mb("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak is not known")
def test_peak_memory_of_a_trial_excludes_earlier_trials(monkeypatch):
    for name, value in WORKER_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        before, peak, after = pool.submit(free_memory_is_kept).result()
    assert peak > before + 90
    assert after < before + 20


def test_peak_memory_grows_with_what_is_allocated_and_can_be_reset():
    if not memory.reset_peak_memory("cpu"):
        pytest.skip("this system cannot reset the peak")
    before = memory.peak_memory_mb("cpu")
    block = torch.ones(20_000_000)
    assert memory.peak_memory_mb("cpu") >= before + 0.9 * block.nbytes / 1e6
