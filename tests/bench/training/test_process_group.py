"""One trial on several processes: each takes its part, and together they train like a single process."""

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
def test_the_processes_parts_of_each_batch_make_up_the_batch(size, part_size, batches, remainder):
    batch = size * part_size
    rows = torch.arange(batches * batch + min(remainder, batch - 1))
    parts = [ProcessGroup(rank, size).shard_batches(batch, rows) for rank in range(size)]
    batch_rows = torch.cat([part.view(batches, part_size) for part in parts], dim=1)
    assert batch_rows.flatten().equal(rows[: batches * batch])


@given(st.integers(1, 5), st.integers(0, 40))
def test_every_image_is_evaluated_by_one_process(size, count):
    joined = torch.cat([ProcessGroup(rank, size).shard(torch.arange(count)) for rank in range(size)])
    assert joined.sort().values.equal(torch.arange(count))


def test_one_process_alone_takes_everything_as_it_is():
    rows, network = torch.rand(12, 3), torch.nn.Linear(3, 1)
    assert SINGLE.shard(rows).equal(rows) and SINGLE.shard_batches(4, rows).equal(rows)
    assert SINGLE.average_gradients(network) is network and SINGLE.broadcast(rows) is rows and SINGLE.sum(rows) is rows


@pytest.mark.parametrize(
    ("size", "change", "message"),
    [
        ("3", {}, "batches of 128 images cannot be divided equally among 3 processes"),
        ("2", {"model": ModelConfig(normalisation="batch")}, "batch normalisation would see 2 parts of a batch"),
        ("512", {"recipe": TrainConfig(batch=512)}, "512 processes are more than the images"),
    ],
)
def test_a_trial_that_cannot_be_shared_is_refused_in_one_line(digits, monkeypatch, size, change, message):
    monkeypatch.setenv("WORLD_SIZE", size)
    trial = replace(Trial(ModelConfig(), TrainConfig(), digits.data, 0), **change)
    with pytest.raises(InputError, match=message) as caught:
        torchrun.check_jobs([trial], digits)
    assert "\n" not in str(caught.value)
    monkeypatch.delenv("WORLD_SIZE")
    torchrun.check_jobs([trial], digits)


def test_two_processes_train_as_one_does(digits, tmp_path, environment):
    """Losses of the first fifty steps agree to a relative 1e-4, metrics at the end to 1e-3."""
    script = Path(__file__).with_name("losses.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), str(tmp_path)]
    variables = environment | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert process.returncode == 0, process.stderr
    (single_losses, single_metrics), (shared_losses, shared_metrics) = (
        losses.train_and_measure(digits),
        json.loads(process.stdout),
    )
    assert len(single_losses) >= 50 and single_losses[0] != single_losses[1]
    assert shared_losses[:50] == pytest.approx(single_losses[:50], rel=1e-4)
    assert single_metrics.keys() == shared_metrics.keys()
    exact = [name for name in single_metrics if not name.startswith(("speed/", "memory/"))]
    assert [shared_metrics[name] for name in exact] == pytest.approx([single_metrics[name] for name in exact], rel=1e-3)
