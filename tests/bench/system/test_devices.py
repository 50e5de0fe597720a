from types import SimpleNamespace

import pytest
import torch

from bench.data import image_sets
from bench.system import devices

GIB = 2**30


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a function that simulates a machine with these cores and GPUs."""

    def pretend(cores, gpus, memory=80 * GIB):
        monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
        monkeypatch.setattr("os.sched_getaffinity", lambda process: range(cores), raising=False)
        monkeypatch.setattr(devices, "PROCESS_CGROUPS", tmp_path / "none")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(total_memory=memory))

    return pretend


def test_a_cpu_has_one_worker_per_core(machine):
    machine(cores=7, gpus=0)
    assert devices.worker_count("cpu") == 7


def version_1(quota, period=100_000):
    return {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": period}


CGROUPS = {  # what the process is told of its groups; the files of groups; the cores that are left of eight
    "a container, version 2": ("0::/", {"": {"cpu.max": "200000 100000"}}, 2),
    "a container, version 1": ("3:cpu,cpuacct:/\n0::/", {"cpu": version_1(300_000)}, 3),
    "a container that sees its host's names": ("1:cpu:/docker/abc", {"cpu": version_1(100_000)}, 1),
    "a group in a group without a quota": (
        "0::/a/b",
        {"a": {"cpu.max": "500000 100000"}, "a/b": {"cpu.max": "max 1"}},
        5,
    ),
    "the smaller of two": ("1:cpu:/a/b", {"cpu/a": version_1(300_000), "cpu/a/b": version_1(400_000)}, 3),
    "half a core": ("0::/a", {"a": {"cpu.max": "50000 100000"}}, 1),
    "a core and a half": ("1:cpu:/", {"cpu": version_1(75_000, 50_000)}, 1),
    "more than there are": ("0::/", {"": {"cpu.max": "6400000 100000"}}, 8),
    "no quota": ("1:cpu:/a\n0::/a", {"cpu/a": version_1(-1), "": {"cpu.max": "max 100000"}}, 8),
    "another controller's group": ("5:cpuset,memory:/a\n1:cpu:/", {"cpu/a": version_1(100_000)}, 8),
    "a name with a colon": ("0::/a:b", {"a:b": {"cpu.max": "100000 100000"}}, 1),
    "no groups": ("", {}, 8),
}


@pytest.mark.parametrize("lines, groups, cores", CGROUPS.values(), ids=CGROUPS)
def test_a_containers_quota_limits_the_cores(machine, monkeypatch, tmp_path, lines, groups, cores):
    machine(cores=8, gpus=0)
    for group, quotas in groups.items():
        for name, content in quotas.items():
            (tmp_path / group).mkdir(parents=True, exist_ok=True)
            (tmp_path / group / name).write_text(f"{content}\n")
    (tmp_path / "own").write_text(lines)
    monkeypatch.setattr(devices, "CGROUPS", tmp_path)
    monkeypatch.setattr(devices, "PROCESS_CGROUPS", tmp_path / "own")
    assert devices.core_count() == devices.worker_count("cpu") == cores


def test_a_trials_readers_follow_from_the_number_of_workers_that_was_chosen(machine, monkeypatch):
    machine(cores=16, gpus=1)
    assert image_sets.reader_count("cuda") == 3
    monkeypatch.setenv(devices.WORKERS_VARIABLE, "1")
    assert image_sets.reader_count("cuda") == 15


@pytest.mark.parametrize(
    "cores, gpus, memory, count",
    [(16, 1, 80 * GIB, 4), (2, 1, 80 * GIB, 2), (1, 1, 80 * GIB, 1), (16, 1, 8 * GIB, 2), (16, 8, 80 * GIB, 16)],
)
def test_a_gpu_takes_as_many_trials_as_cores_feed_and_memory_holds(machine, cores, gpus, memory, count):
    machine(cores, gpus, memory)
    assert devices.worker_count("cuda") == count


def test_a_gpu_shared_by_kernels_takes_more_trials(machine, tmp_path):
    machine(cores=16, gpus=1)
    (tmp_path / "control").touch()
    assert devices.worker_count("cuda") == 8


def test_without_a_gpu_a_plan_assumes_one(machine):
    machine(cores=16, gpus=0)
    assert devices.worker_count("cuda") == devices.concurrent_jobs("cuda", 1) == 8


def test_another_machine_runs_one_job_per_processor_and_eight_per_gpu():
    assert devices.concurrent_jobs("cpu", 64) == 64
    assert devices.concurrent_jobs("cuda", 64) == 512


def test_a_gpu_of_any_size_takes_a_trial(machine):
    machine(cores=1, gpus=2, memory=GIB)
    assert devices.worker_count("cuda") == 2


def test_auto_chooses_a_gpu_if_there_is_one(machine):
    machine(cores=2, gpus=0)
    assert devices.choose_device("auto") == "cpu"
    machine(cores=2, gpus=1)
    assert devices.choose_device("auto") == "cuda"
    assert devices.choose_device("cpu") == "cpu"


@pytest.mark.parametrize(
    "flags, variable, precision",
    [
        ("fpu avx2 avx512f", None, "float32"),
        ("fpu avx512_bf16", None, "bfloat16"),
        ("amx_bf16 amx_tile", "1", "bfloat16"),
        ("fpu avx512_bf16", "0", "float32"),
        ("avx512_bf16_of_another_kind", None, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_units_for_it(monkeypatch, tmp_path, flags, variable, precision):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(devices, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.delenv(devices.BFLOAT16_VARIABLE, raising=False)
    if variable:
        monkeypatch.setenv(devices.BFLOAT16_VARIABLE, variable)
    assert devices.choose_precision("auto", "cpu") == precision
    assert devices.choose_precision("auto", "cuda") == "bfloat16"
    assert [devices.choose_precision(name, "cpu") for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_without_a_list_of_flags_the_precision_is_float32(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "PROCESSOR", tmp_path / "none")
    assert devices.choose_precision("auto", "cpu") == "float32"
