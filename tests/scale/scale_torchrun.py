"""Trials on two processes by torchrun give the records of one process, and resume from checkpoints."""

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import processes

from bench.records import store

STUDY = """
from ablations import Ask, Claim, Contrast, Study

STUDY = Study(
    question="?",
    base={"dropout": 0.0, "epochs": EPOCHS},
    arms={"relu": {}, "tanh": {"activation": "tanh"}},
    probes=(Ask("activity", ("relu",)),),
    claims=(Claim("tanh-better", "Tanh beats ReLU", (Contrast("test/accuracy", "tanh", "relu", margin=1),)),),
)
"""
TORCHRUN = sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"
NOISY = "speed/", "memory/"


@pytest.fixture
def arguments(tmp_path):
    def words(out, epochs=2, seeds=1):
        study = tmp_path / f"study_{epochs}.py"
        study.write_text(STUDY.replace("EPOCHS", str(epochs)))
        return [
            "run",
            study,
            "--profile",
            "smoke",
            "--data",
            "digits",
            "--device",
            "cpu",
            "--seeds",
            seeds,
            "--out",
            out,
        ]

    return words


def finished(out):
    records = {record["identity"]: record for record in store.read_all(out)}
    assert all(record["status"] == "finished" for record in records.values())
    return records


def test_two_processes_give_the_records_of_one(ablate, command, environment, arguments, tmp_path):
    assert ablate(*arguments(tmp_path / "one")).returncode == 0
    words = [*TORCHRUN, command[1], *map(str, arguments(tmp_path / "two"))]
    process = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("[5/5]") == 1
    single, double = finished(tmp_path / "one"), finished(tmp_path / "two")
    assert single.keys() == double.keys() and len(single) == 5
    for name, record in single.items():
        if record["kind"] != "trial":
            assert double[name]["samples"]
            continue
        assert double[name]["environment"]["processes"] == 2
        for ours, theirs in zip(record["points"], double[name]["points"], strict=True):
            measured = {k: v for k, v in ours["metrics"].items() if not k.startswith(NOISY)}
            their_metrics = {k: theirs["metrics"][k] for k in measured}
            assert their_metrics == pytest.approx(measured, rel=1e-2, abs=3e-3), record["job"]  # two of 896 images


def test_an_interrupted_trial_of_two_processes_resumes_from_its_checkpoint(command, environment, arguments, tmp_path):
    out, variables = tmp_path / "out", environment | {"ABLATE_CHECKPOINT_SECONDS": "0.5"}
    words = [*TORCHRUN, command[1], *map(str, arguments(out, epochs=60))]
    with subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while not list(out.glob("trials/*.checkpoint")):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) != 0
    began = {file.stem: file.stat().st_mtime for file in out.glob("trials/*.checkpoint")}
    process = subprocess.run(words, env=variables, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    records = finished(out)
    assert len(records) == 5 and began
    assert all(records[name]["started"] < stamp for name, stamp in began.items())


def test_a_trial_that_diverges_is_a_result_and_the_next_one_trains(command, environment, tmp_path):
    (tmp_path / "wild.py").write_text(
        """
from ablations import Study

WILD = {"optimiser": "sgd", "learning_rate": 100.0, "schedule": "constant"}
STUDY = Study(question="?", claims=(), base={"epochs": 3}, arms={"wild": WILD, "tame": {}})
"""
    )
    words = [*TORCHRUN, command[1], "run", "wild.py", "--profile", "smoke", "--data", "digits", "--seeds", "1"]
    process = subprocess.run(
        [*words, "--device", "cpu"], env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=200
    )
    assert process.returncode == 0, process.stderr
    records = [
        (record["job"]["recipe"]["learning_rate"], record["status"]) for record in store.read_all(tmp_path / "out")
    ]
    assert (100.0, "diverged") in records and {status for rate, status in records if rate < 1} == {"finished"}


def test_a_dead_process_ends_the_command_without_a_failure_record(command, environment, arguments, tmp_path):
    out = tmp_path / "out"
    words = [*TORCHRUN, command[1], *map(str, arguments(out, epochs=60))]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + 120
        while not any(file.stat().st_size for file in out.glob("trials/*.part")):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.05)
        (follower,) = processes("LOCAL_RANK=1")
        os.kill(follower, signal.SIGKILL)
        _, output = process.communicate(timeout=100)
    assert process.returncode != 0
    assert "ablate: another process died" in output or "stopped" in output
    assert not [record for record in store.read_all(out) if store.is_failure(record)]


def test_a_trial_that_cannot_be_shared_is_reported_once_before_training(command, environment, tmp_path):
    words = [*TORCHRUN, command[1], "run", "lrn", "--profile", "smoke", "--data", "digits", "--device", "cpu"]
    process = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode != 0
    assert process.stderr.count("ablate: batch normalisation would see 2 parts of a batch") == 1
    assert not list(tmp_path.glob("out/trials/*.json"))
