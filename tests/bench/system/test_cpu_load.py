"""The share of the processors that others had, by the system's books and this process's own."""

from types import SimpleNamespace

import pytest

from bench.system import cpu_load

TICKS = 100  # a second


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Of two processors: what all of them worked and what this process did, in seconds, and the clock."""
    now = SimpleNamespace(busy=50.0, own=5.0, wall=1000.0)

    class Stat:
        exists = staticmethod(lambda: True)

        def read_text(self):
            ticks = round(now.busy * TICKS)
            return f"cpu  {ticks - 40} 10 10 99999 777 5 5 10 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"

    clocks = {"process_time": lambda: now.own, "perf_counter": lambda: now.wall}
    monkeypatch.setattr(cpu_load, "STAT_FILE", Stat())
    monkeypatch.setattr(cpu_load, "time", SimpleNamespace(**clocks))
    monkeypatch.setattr(cpu_load.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(cpu_load.os, "sysconf", lambda name: TICKS)
    return now


@pytest.mark.parametrize("busy, own, share", [(20, 20, 0.0), (16, 8, 0.4), (20, 0, 1.0), (7.9, 8, 0.0)])
def test_what_others_worked_is_a_share_of_all_processors(machine, busy, own, share):
    told = cpu_load.start_measuring()
    machine.busy, machine.own, machine.wall = machine.busy + busy, machine.own + own, machine.wall + 10
    assert told() == pytest.approx(share)


def test_where_the_system_keeps_no_such_books_nobody_took_anything(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_load, "STAT_FILE", tmp_path / "none")
    assert cpu_load.start_measuring()() == 0
