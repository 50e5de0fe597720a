"""Several runs into one folder at once: the work is done once, and told once."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict

import pytest
from runs import asked, same

from bench.records import store


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_share_the_work(command, marked, alone, short, tmp_path, count):
    if short and count > 2:
        pytest.skip("four runs at once are for the long form")
    words, out = asked(command, tmp_path, short), tmp_path / "out"
    runs = [subprocess.Popen(words, cwd=tmp_path, env=marked, stdout=subprocess.DEVNULL) for _ in range(count)]
    ends = defaultdict(set)  # of each record, whenever it was looked at
    while any(process.poll() is None for process in runs):
        for record in store.read_all(out):
            ends[record["identity"]].add(record["ended"])
        time.sleep(0.05)
    assert [process.returncode for process in runs] == [0] * count
    assert all(len(found) == 1 for found in ends.values()), "a trial was trained again"
    same(out, alone)
