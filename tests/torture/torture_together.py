"""Several runs into one folder at once: the work is done once, and told once."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict

import pytest
from runs import all_measured, asked, left, published, run

from bench import records


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_share_the_work(command, marked, short, tmp_path, count):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    single, together = (asked(command, tmp_path, 2 if short else 8, 100, out.name) for out in (alone, shared))
    assert run(single, marked, tmp_path).returncode == 0

    runs = [subprocess.Popen(together, cwd=tmp_path, env=marked, stdout=subprocess.DEVNULL) for _ in range(count)]
    ends = defaultdict(set)  # of each record, whenever it was looked at
    while any(process.poll() is None for process in runs):
        for record in records.read_all(shared):
            ends[record["identity"]].add(record["ended"])
        time.sleep(0.05)
    assert [process.returncode for process in runs] == [0] * count
    assert all(len(found) == 1 for found in ends.values()), "a trial was trained again"
    assert all_measured(shared) == all_measured(alone)
    assert left(shared) == left(alone)
    assert published(shared) == {identity: 1 for identity in all_measured(alone)}
