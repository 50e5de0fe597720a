"""Messages of --cluster if it cannot be used, and the number of slots; tests/scale runs Ray itself."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from bench.records import store
from bench.runner.backends import ray_cluster, ray_worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Timing

ROOT = Path(__file__).parents[3]
COMMAND = """
import sys, types
sys.path.insert(0, sys.argv.pop(1))
sys.modules["ray"] = {}
import ablate
sys.exit(ablate.main(["run", "--cluster", *sys.argv[1:]]))
"""
ABSENT, EMPTY = "None", "types.ModuleType('ray')"


def after(ray, *arguments, cwd):
    words = [sys.executable, "-c", COMMAND.replace("{}", ray), str(ROOT), *arguments]
    return subprocess.run(words, capture_output=True, text=True, cwd=cwd)


def test_without_ray_one_line_says_what_to_install_before_anything_is_done(tmp_path):
    process = after(ABSENT, "auto", cwd=tmp_path)
    assert process.returncode == 2 and not process.stdout
    assert process.stderr.startswith("ablate: --cluster needs Ray: pip install ray, or '.[ray]'")
    assert process.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["ray://head:10001", "nonsense", "", "head:port"])
def test_what_is_no_address_is_refused_in_one_line(tmp_path, address):
    process = after(EMPTY, address, cwd=tmp_path)
    assert process.returncode == 2 and not process.stdout
    assert process.stderr.startswith(f"ablate: --cluster is {address!r}: expected HOST:PORT, 'auto' on a machine")
    assert process.stderr.count("\n") == 1


def test_an_address_that_does_not_answer_is_refused_with_how_to_start_a_cluster(tmp_path):
    with socket.socket() as other_socket:
        other_socket.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{other_socket.getsockname()[1]}"
        process = after(EMPTY, address, cwd=tmp_path)
    assert process.returncode == 2
    assert process.stderr.startswith(f"ablate: nothing answers at {address} (") and "ray start --head" in process.stderr
    assert process.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "machines, cpu, cuda",
    [
        ([{"CPU": 4.0}, {"CPU": 2.5}, {}], 6, 0),
        ([{"CPU": 8.0, "GPU": 1.0}, {"CPU": 6.0, "GPU": 2.0}, {"CPU": 2.0}], 16, 10),
    ],
)
def test_a_job_takes_a_processor_or_a_quarter_of_a_gpu_beside_one(monkeypatch, machines, cpu, cuda):
    monkeypatch.setattr(ray_cluster, "_machine_resources", lambda: machines)
    assert (ray_cluster.count_slots("cpu"), ray_cluster.count_slots("cuda")) == (cpu, cuda)
    assert ray_cluster.choose_device("auto") == ("cuda" if cuda else "cpu")
    assert ray_cluster.choose_device("cpu") == "cpu"


def test_a_cluster_without_gpus_is_reported(monkeypatch, digits, tmp_path):
    monkeypatch.setattr(ray_cluster, "_machine_resources", lambda: [{"CPU": 4.0}])
    with (
        pytest.raises(InputError, match="the cluster has no GPU"),
        ray_cluster.open_slots(digits, tmp_path, "cuda", lambda text: None),
    ):
        pass
    on_gpu = Timing("steps", (("relu", ModelConfig()),), (8,), 3, device="cuda")
    ray_cluster.check_jobs([Count(ModelConfig()), on_gpu], "cuda")
    with pytest.raises(InputError, match="use --device cuda"):
        ray_cluster.check_jobs([Count(ModelConfig()), on_gpu], "cpu")


def test_a_job_of_another_run_sends_back_no_record(tmp_path):
    """The record would overwrite the one that the other run is about to write."""
    job, slot = Count(ModelConfig()), object.__new__(ray_worker.Slot)
    slot.out, slot.scratch, slot.shares_folder, slot.thread = tmp_path, tmp_path / "own", True, ThreadPoolExecutor(1)
    store.folder(tmp_path).mkdir()
    store.write(tmp_path, store.new_record(job) | store.failure_fields("failed", "an earlier try"))
    with FileLock(store.lock_file(tmp_path, job)):
        assert list(slot.perform(Task(job, None, tmp_path))) == [("elsewhere", {})]
