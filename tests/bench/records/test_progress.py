"""Looks at a running trial's part file."""

from __future__ import annotations

import json
import os

import pytest

from bench.records import progress
from bench.records.progress import Watch

OLD = '{"step": 0}\n{"step": 9}\n'


@pytest.fixture
def part(tmp_path):
    return tmp_path / "a.part"


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def rewritten(part, text):
    part.write_text(text)
    stamp = part.stat().st_mtime_ns + 1
    os.utime(part, ns=(stamp, stamp))


def steps(looked):
    return [point["step"] for point in looked.points()]


def test_points_are_told_once_and_only_whole_lines(part):
    looked = Watch(part)
    assert steps(looked) == []
    rewritten(part, '{"step": 0}\n{"ste')
    assert steps(looked) == [0]
    rewritten(part, '{"step": 0}\n{"step": 1}\n')
    assert steps(looked) == [1]


@pytest.mark.parametrize("left", [OLD, "\0\0\0{\n", b"\xff\xfe\n".decode("latin-1")], ids=["whole", "torn", "bytes"])
def test_what_an_earlier_process_left_is_not_read(part, left):
    part.write_text(left, encoding="latin-1")
    looked = Watch(part)
    assert steps(looked) == []
    rewritten(part, '{"step": 0}\n')
    assert steps(looked) == [0]


def test_a_worker_that_begins_again_repeats_no_point(part):
    looked = Watch(part)
    rewritten(part, OLD)
    assert steps(looked) == [0, 9]
    looked.begin()
    rewritten(part, '{"step": 0}\n')
    assert steps(looked) == []
    rewritten(part, OLD + json.dumps({"step": 10}) + "\n")
    assert steps(looked) == [10]


def test_silence_is_counted_from_the_beginning_and_not_from_the_files_time(part, clock):
    part.write_text(OLD)
    os.utime(part, (0, 0))
    looked = Watch(part)
    hung = []
    for clock[0] in range(1, int(progress.SILENCE) + 2):
        hung.append(looked.hung())
    assert hung == [False] * int(progress.SILENCE) + [True]


def test_a_sign_of_life_ends_the_silence(part, clock):
    looked = Watch(part)
    for clock[0] in range(1, int(progress.SILENCE)):
        assert not looked.hung()
    rewritten(part, OLD)
    assert not looked.hung() and looked.silent == 0


def test_who_looks_may_have_slept_himself(part, clock):
    looked = Watch(part)
    clock[0] = 10 * progress.SILENCE
    assert not looked.hung() and looked.silent == progress.LOOK
