"""CPU load of other processes, from the system's statistics and this process's own time."""

from types import SimpleNamespace

import pytest

from bench.system import cpu_load

TICKS = 100  # a second


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with two processors: their busy seconds, this process's busy seconds, and the clock."""
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


@pytest.mark.parametrize("busy_s, own_s, share", [(20, 20, 0.0), (16, 8, 0.4), (20, 0, 1.0), (7.9, 8, 0.0)])
def test_the_load_of_other_processes_is_a_share_of_all_processors(machine, busy_s, own_s, share):
    read_share = cpu_load.start_measuring()
    machine.busy, machine.own, machine.wall = machine.busy + busy_s, machine.own + own_s, machine.wall + 10
    assert read_share() == pytest.approx(share)


def test_without_proc_stat_the_load_of_other_processes_is_zero(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_load, "STAT_FILE", tmp_path / "none")
    assert cpu_load.start_measuring()() == 0
