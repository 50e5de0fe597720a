"""Processes are started under a temporary folder of any length, or refused in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.runner.backends import local
from bench.spec.errors import InputError
from bench.system import fork_server

START = """
from multiprocessing import util
from bench.system import fork_server
if __name__ == "__main__":
    process = fork_server.start([]).Process(target=print, args=("started",))
    process.start()
    process.join()
    print(util.get_temp_dir())
"""


@pytest.mark.parametrize("length", [1, 120])
def test_processes_start_under_a_temporary_folder_of_any_length(tmp_path, length):
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    (tmp_path / "start.py").write_text(START)
    variables = {"TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.run([sys.executable, "start.py"], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert process.stdout.startswith("started\n"), process.stderr
    assert (str(folder) in process.stdout) == (length == 1)
    assert not list(folder.iterdir()) and not Path(process.stdout.split()[-1]).exists()


def test_a_system_without_temporary_folder_or_shared_memory_is_refused_in_one_line(monkeypatch):
    def refuse(_):
        raise OSError(30, "Read-only file system", "/dev/shm/pym-1")

    monkeypatch.setattr(fork_server, "start", refuse)
    with pytest.raises(InputError, match=r"Read-only file system: '/dev/shm/pym-1'\): .*TMPDIR"), local.open_pool(1):
        pass
