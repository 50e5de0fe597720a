"""One trial on several processes: what each takes of it, and that together they train as one does."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import losses
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.runner.backends import torchrun
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE, ProcessGroup

ROOT = Path(__file__).parents[3]


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 6), st.integers(0, 19))
def test_the_processes_parts_of_each_batch_make_up_the_batch(size, each, batches, rest):
    batch = size * each
    rows = torch.arange(batches * batch + min(rest, batch - 1))
    parts = [ProcessGroup(rank, size).shard_batches(batch, rows) for rank in range(size)]
    whole = torch.cat([part.view(batches, each) for part in parts], dim=1)
    assert whole.flatten().equal(rows[: batches * batch])


@given(st.integers(1, 5), st.integers(0, 40))
def test_every_image_is_looked_at_by_one_process(size, count):
    seen = torch.cat([ProcessGroup(rank, size).shard(torch.arange(count)) for rank in range(size)])
    assert seen.sort().values.equal(torch.arange(count))


def test_one_process_alone_takes_everything_as_it_is():
    rows, network = torch.rand(12, 3), torch.nn.Linear(3, 1)
    assert SINGLE.shard(rows).equal(rows) and SINGLE.shard_batches(4, rows).equal(rows)
    assert SINGLE.average_gradients(network) is network and SINGLE.broadcast(rows) is rows and SINGLE.sum(rows) is rows


@pytest.mark.parametrize(
    ("size", "change", "said"),
    [
        ("3", {}, "batches of 128 images cannot be divided equally among 3 processes"),
        ("2", {"model": ModelConfig(normalisation="batch")}, "batch normalisation would see 2 parts of a batch"),
        ("1024", {"recipe": TrainConfig(batch=1024)}, "1024 processes are more than there are images"),
    ],
)
def test_a_trial_that_cannot_be_shared_is_refused_in_one_line(digits, monkeypatch, size, change, said):
    monkeypatch.setenv("WORLD_SIZE", size)
    trial = replace(Trial(ModelConfig(), TrainConfig(), digits.data, 0), **change)
    with pytest.raises(InputError, match=said) as told:
        torchrun.check_jobs([trial], digits)
    assert "\n" not in str(told.value)
    monkeypatch.delenv("WORLD_SIZE")
    torchrun.check_jobs([trial], digits)


def test_two_processes_train_as_one_does(digits, tmp_path, environment):
    """The losses of the first fifty steps to 1e-4, relative to them, and what is measured at the end."""
    script = Path(__file__).with_name("losses.py")
    asked = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), str(tmp_path)]
    variables = environment | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(asked, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    (one, alone), (two, shared) = losses.told(digits), json.loads(done.stdout)
    assert len(one) >= 50 and one[0] != one[1]
    assert two[:50] == pytest.approx(one[:50], rel=1e-4)
    assert alone.keys() == shared.keys()
    exact = [name for name in alone if not name.startswith(("speed/", "memory/"))]
    assert [shared[name] for name in exact] == pytest.approx([alone[name] for name in exact], rel=1e-3)
