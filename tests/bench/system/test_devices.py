from types import SimpleNamespace

import pytest
import torch

from bench.system import devices

GIB = 2**30


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretends to have so many cores and GPUs."""

    def pretend(cores, gpus, memory=80 * GIB):
        monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
        monkeypatch.setattr("os.sched_getaffinity", lambda process: range(cores), raising=False)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(total_memory=memory))

    return pretend


def test_a_cpu_takes_a_worker_a_core(machine):
    machine(cores=7, gpus=0)
    assert devices.worker_count("cpu") == 7


@pytest.mark.parametrize(
    "cores, gpus, memory, count",
    [(16, 1, 80 * GIB, 4), (2, 1, 80 * GIB, 2), (1, 1, 80 * GIB, 1), (16, 1, 8 * GIB, 2), (16, 8, 80 * GIB, 16)],
)
def test_a_gpu_takes_as_many_trials_as_cores_feed_and_memory_holds(machine, cores, gpus, memory, count):
    machine(cores, gpus, memory)
    assert devices.worker_count("cuda") == count


def test_where_kernels_run_beside_each_other_a_gpu_takes_more_trials(machine, tmp_path):
    machine(cores=16, gpus=1)
    (tmp_path / "control").touch()
    assert devices.worker_count("cuda") == 8


def test_without_a_gpu_a_plan_counts_on_one(machine):
    machine(cores=16, gpus=0)
    assert devices.worker_count("cuda") == devices.concurrent_jobs("cuda", 1) == 8


def test_elsewhere_a_processor_takes_a_job_and_a_shared_gpu_eight():
    assert devices.concurrent_jobs("cpu", 64) == 64
    assert devices.concurrent_jobs("cuda", 64) == 512


def test_a_gpu_of_any_size_takes_a_trial(machine):
    machine(cores=1, gpus=2, memory=GIB)
    assert devices.worker_count("cuda") == 2


def test_auto_takes_a_gpu_where_there_is_one(machine):
    machine(cores=2, gpus=0)
    assert devices.choose_device("auto") == "cpu"
    machine(cores=2, gpus=1)
    assert devices.choose_device("auto") == "cuda"
    assert devices.choose_device("cpu") == "cpu"
