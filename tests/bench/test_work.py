"""What a worker says of where it measures."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench import work

GIT = """#!/bin/sh
if [ ! -e "{mark}" ]; then touch "{mark}"; kill -9 $$; fi
exec "{git}" "$@"
"""


def test_a_git_that_is_killed_is_asked_again(tmp_path, monkeypatch):
    mark, real = tmp_path / "killed once", shutil.which("git")
    (tmp_path / "git").write_text(GIT.format(mark=mark, git=real))
    (tmp_path / "git").chmod(0o755)
    expected = work._commit()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert work._commit() == expected
    assert mark.exists()
    assert bool(expected) == (Path(__file__).parents[2] / ".git").exists()


def test_without_git_there_is_no_commit_and_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert work._commit() == ""
