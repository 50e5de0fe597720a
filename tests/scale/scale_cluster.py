"""A Ray cluster of four simulated machines gives the records of a local run, even if processes die."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import processes, until_none_is_left
from ray.cluster_utils import Cluster
from runs import assert_same_results, run
from torture_kill import read_saved_points

from bench.data.source import locate
from bench.records import store
from bench.runner.backends import local, ray_cluster
from bench.runner.scheduler import run as run_jobs
from bench.runner.task import RunOptions, Submit
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count
from bench.system.devices import core_count

MACHINES = 4
STUDY = """
from ablations import Claim, Contrast, Study

STUDY = Study(
    question="?",
    base={"epochs": 40, "dropout": 0.5},
    arms={"relu": {}},
    claims=(Claim("learns", "ReLU learns", (Contrast("test/accuracy", "relu", 0.1, margin=1),)),),
)
"""
WORDS = "run small.py coadaptation --profile smoke --data digits --device cpu --seeds 2 --out"  # trials and probes


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """The machines' temporary folder; Ray needs a short name."""
    with tempfile.TemporaryDirectory(prefix="ablate") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def machines(temporary) -> Iterator[Cluster]:
    """A cluster of machines with one processor each."""
    cluster = Cluster()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        for _ in range(MACHINES):
            cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def marked(environment) -> Iterator[dict[str, str]]:
    """An environment that marks every process of a test; at the end none of them may still run."""
    mark = str(uuid.uuid4())
    no_token = {"RAY_AUTH_MODE": "disabled"}  # otherwise Ray writes a token into the home folder
    yield environment | no_token | {"ABLATE_TORTURE": mark, "ABLATE_CHECKPOINT_SECONDS": "0.5"}
    until_none_is_left(mark)


@pytest.fixture(scope="module")
def local_out(command, environment, tmp_path_factory) -> Path:
    """The results of a local run, which tests must not change."""
    folder = tmp_path_factory.mktemp("alone")
    process = run(command_line(command, folder), environment, folder)
    assert process.returncode == 0, process.stdout + process.stderr
    return folder / "out"


def command_line(command: tuple[str, ...], folder: Path, *options: str, out: str = "out") -> list[str]:
    (folder / "small.py").write_text(STUDY)
    (folder / "bench.py").write_text("raise RuntimeError('not ours')")  # workers must not import it
    return [*command, *WORDS.split(), out, *options]


def wait_until(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(0.05)
    return value


def slots(mark: str) -> list[int]:
    """Ids of the processes that perform jobs for the run with this mark."""
    return [number for number in processes(mark) if b"ray::Slot" in Path(f"/proc/{number}/cmdline").read_bytes()]


def parts(out: Path) -> list[Path]:
    return [file for file in store.folder(out).glob("*.part") if file.stat().st_size]


def started(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def test_a_study_on_four_machines_has_the_records_of_a_local_run(command, machines, marked, local_out, tmp_path):
    process = run(command_line(command, tmp_path, "--cluster", machines.address), marked, tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "machines in the cluster: 4; parallel jobs: 4" in process.stdout
    assert not process.stderr
    assert_same_results(tmp_path / "out", local_out)


def test_jobs_of_a_dead_machine_continue_on_other_machines(command, machines, marked, local_out, tmp_path):
    out, mark = tmp_path / "out", marked["ABLATE_TORTURE"]
    victim = machines.add_node(num_cpus=1)
    process = started(command_line(command, tmp_path, "--cluster", machines.address), marked, tmp_path)
    with process:
        wait_until(lambda: len({name for name, _ in read_saved_points(out)}) == MACHINES + 1)
        before, saved_points = slots(mark), read_saved_points(out)
        machines.remove_node(victim, allow_graceful=False)
        wait_until(lambda: len({*before} - {*slots(mark)}) == 1)
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 0 and "raylet" not in output, output
    assert_same_results(out, local_out)
    ended = {(r["identity"], p["epoch"]): p["time"] for r in store.read_all(out) for p in r.get("points", [])}
    assert saved_points == {point: ended[point] for point in saved_points}, "points in a checkpoint were trained again"


def test_machines_without_the_shared_folder_receive_every_file_once(
    command, machines, marked, local_out, temporary, tmp_path
):
    """Machines without the shared folder see another folder at its path. One worker is killed."""
    written, killed = set[tuple[str, int]](), False
    words = command_line(command, tmp_path, "--cluster", machines.address, out="/proc/self/cwd/out")
    with started(words, marked, tmp_path) as process:
        while process.poll() is None:
            written |= {(file.name, file.stat().st_ino) for file in temporary.glob("ablate.*/cache/*/*_pixels.npy")}
            if not killed and parts(tmp_path / "out") and len(pids := slots(marked["ABLATE_TORTURE"])) == MACHINES:
                os.kill(pids[0], signal.SIGKILL)
                killed = True
            time.sleep(0.1)
        output, _ = process.communicate()
    assert process.returncode == 0 and "raylet" not in output, output
    assert killed and "Not every machine sees" in output, output
    assert len(written) == len({name for name, _ in written}) == 3
    assert not list(temporary.glob("ablate.*"))
    assert_same_results(tmp_path / "out", local_out)


@pytest.mark.parametrize("dies", ["the head alone", "all of its machine"])
def test_a_dead_head_ends_the_command_and_rerunning_it_continues(command, marked, tmp_path, dies):
    out, short_lived, many_seeds = tmp_path / "out", Cluster(), ("--seeds", "90")
    head = short_lived.add_node(num_cpus=2)
    with started(
        command_line(command, tmp_path, *many_seeds, "--cluster", short_lived.address), marked, tmp_path
    ) as process:
        wait_until(lambda: store.read_all(out) and parts(out))
        head.kill_gcs_server() if dies == "the head alone" else short_lived.shutdown()
        output, _ = process.communicate(timeout=100)
    short_lived.shutdown()
    assert process.returncode == 2 and "Traceback" not in output, output
    assert output.splitlines()[-1].startswith("ablate: the cluster's head at "), output
    process = run(command_line(command, tmp_path, *many_seeds, "--limit", "0s"), marked, tmp_path)
    assert f"{len(store.read_all(out))} of " in process.stdout, process.stdout + process.stderr


@pytest.mark.parametrize("where", ["local", "four machines"])
def test_ctrl_c_ends_the_command_and_all_that_it_started(command, machines, marked, temporary, tmp_path, where):
    address = "local" if where == "local" else machines.address
    words = command_line(command, tmp_path, "--cluster", address, out="/proc/self/cwd/out")
    with started(words, marked, tmp_path) as process:
        wait_until(lambda: parts(tmp_path / "out"))
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert output.splitlines()[-1].startswith("ablate: stopped; finished jobs are kept")
    assert not list(temporary.glob("ablate.*"))
    assert not list((tmp_path / "out").glob(".*"))


def test_a_thousand_empty_jobs_take_at_most_twice_the_local_time(machines, tmp_path, capsys):
    """Two rounds of 500 jobs in turns, by workers that already run."""
    source = locate("digits", tmp_path)
    models = iter(ModelConfig(width=1 / 50, classes=2 + number) for number in range(10_000))
    seconds: dict[str, float] = Counter()

    def spend(name: str, submit: Submit, workers: int, count: int) -> None:
        jobs, start = [Count(next(models)) for _ in range(count)], time.perf_counter()
        events = [event for event in run_jobs(jobs, RunOptions(source, tmp_path, workers, submit=submit))]
        seconds[name] += time.perf_counter() - start
        assert sum(event.kind == "done" for event in events) == count

    with (
        local.open_pool(core_count()) as submit_here,
        ray_cluster.connect(machines.address),
        ray_cluster.open_slots(source, tmp_path, "cpu", lambda text: None) as (submit_there, slot_count),
    ):
        backends = {"local": (submit_here, core_count()), "cluster": (submit_there, slot_count)}
        for count in (20, 500, 500):
            for name, backend in backends.items():
                spend(name, *backend, count)
            if count == 20:
                seconds.clear()
    with capsys.disabled():
        print(f"\n1,000 empty jobs: {seconds['local']:.1f} s here, {seconds['cluster']:.1f} s on the cluster")
    assert seconds["cluster"] <= 2 * seconds["local"]
