"""The heartbeat and the points of a running trial, as its part file shows them."""

from __future__ import annotations

import json
import os

import pytest

from bench.records import heartbeat
from bench.records.heartbeat import HeartbeatMonitor

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


def steps(monitor):
    return [point["step"] for point in monitor.new_points()]


def test_points_are_yielded_once_and_from_complete_lines_alone(part):
    monitor = HeartbeatMonitor(part)
    assert steps(monitor) == []
    rewritten(part, '{"step": 0}\n{"ste')
    assert steps(monitor) == [0]
    rewritten(part, '{"step": 0}\n{"step": 1}\n')
    assert steps(monitor) == [1]


@pytest.mark.parametrize("left", [OLD, "\0\0\0{\n", b"\xff\xfe\n".decode("latin-1")], ids=["whole", "torn", "bytes"])
def test_points_of_an_earlier_process_are_not_read(part, left):
    part.write_text(left, encoding="latin-1")
    monitor = HeartbeatMonitor(part)
    assert steps(monitor) == []
    rewritten(part, '{"step": 0}\n')
    assert steps(monitor) == [0]


def test_a_worker_that_begins_again_repeats_no_point(part):
    monitor = HeartbeatMonitor(part)
    rewritten(part, OLD)
    assert steps(monitor) == [0, 9]
    monitor.start_attempt()
    rewritten(part, '{"step": 0}\n')
    assert steps(monitor) == []
    rewritten(part, OLD + json.dumps({"step": 10}) + "\n")
    assert steps(monitor) == [10]


def test_silence_is_counted_from_the_beginning_and_not_from_the_files_time(part, clock):
    part.write_text(OLD)
    os.utime(part, (0, 0))
    monitor = HeartbeatMonitor(part)
    hung = []
    for clock[0] in range(1, int(heartbeat.HUNG_AFTER_S) + 2):
        hung.append(monitor.is_hung())
    assert hung == [False] * int(heartbeat.HUNG_AFTER_S) + [True]


def test_a_heartbeat_resets_the_silence(part, clock):
    monitor = HeartbeatMonitor(part)
    for clock[0] in range(1, int(heartbeat.HUNG_AFTER_S)):
        assert not monitor.is_hung()
    rewritten(part, OLD)
    assert not monitor.is_hung() and monitor.silence_s == 0


def test_a_poll_after_a_suspension_counts_a_second_alone(part, clock):
    monitor = HeartbeatMonitor(part)
    clock[0] = 10 * heartbeat.HUNG_AFTER_S
    assert not monitor.is_hung() and monitor.silence_s == heartbeat.MAX_POLL_S


def test_a_pipe_in_the_place_of_a_part_file_is_not_waited_for(part):
    monitor = HeartbeatMonitor(part)
    os.mkfifo(part)
    assert steps(monitor) == [] and not monitor.is_hung()
