"""Several runs into one folder at the same time: every job is measured once and published once."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict

import pytest
from runs import assert_same_results, command_line

from bench.records import store


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_share_the_work(command, marked, undisturbed, short, tmp_path, count):
    if short and count > 2:
        pytest.skip("four runs at once are for the long form")
    words, out = command_line(command, tmp_path, short), tmp_path / "out"
    runs = [subprocess.Popen(words, cwd=tmp_path, env=marked, stdout=subprocess.DEVNULL) for _ in range(count)]
    ends = defaultdict(set)  # of each record, over time
    while any(process.poll() is None for process in runs):
        for record in store.read_all(out):
            ends[record["identity"]].add(record["ended"])
        time.sleep(0.05)
    assert [process.returncode for process in runs] == [0] * count
    assert all(len(times) == 1 for times in ends.values()), "a trial was trained again"
    assert_same_results(out, undisturbed)
