"""Several runs into one folder at once: the work is done once, and told once."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict

import pytest
from torture_kill import STUDY, all_measured, left, published, run

from bench import records


@pytest.mark.parametrize("count", [2, 4])
def test_several_runs_share_the_work(command, marked, short, tmp_path, count):
    (tmp_path / "small.py").write_text(STUDY)
    asked = [*command, "run", "small.py", "--profile", "smoke", "--data", "digits", "--device", "cpu"]
    asked += ["--seeds", "2" if short else "8"]
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert run([*asked, "--out", str(alone)], marked, tmp_path).returncode == 0

    asked += ["--out", str(shared)]
    runs = [subprocess.Popen(asked, cwd=tmp_path, env=marked, stdout=subprocess.DEVNULL) for _ in range(count)]
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
