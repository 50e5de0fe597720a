"""The commit of the code, as records contain it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.system import git as git_module

KILLED = """#!/bin/sh
if [ ! -e "{mark}" ]; then touch "{mark}"; kill -9 $$; fi
exec "{git}" "$@"
"""


def git(folder: Path, *words: str) -> str:
    author = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", *author, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(autouse=True)
def without_commit_variable(monkeypatch):
    monkeypatch.delenv(git_module.COMMIT_VARIABLE, raising=False)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one uncommitted file, which replaces the repository of this code."""
    file = tmp_path / "code" / "bench" / "system" / "git.py"
    file.parent.mkdir(parents=True)
    file.write_text("first\n")
    git(tmp_path, "init", "-q", "code")
    monkeypatch.setattr(git_module, "__file__", str(file))
    return file


def test_the_commit_has_seven_letters_and_a_plus_if_files_differ(checkout):
    assert git_module.commit() == ""  # nothing is committed yet
    git(checkout.parent, "add", ".")
    assert git_module.commit() == ""
    git(checkout.parent, "commit", "-q", "-m", "first")
    short = git(checkout.parent, "rev-parse", "HEAD")[:7]
    assert git_module.commit() == short
    (checkout.parent / "untracked.py").write_text("of no account")
    checkout.touch()
    assert git_module.commit() == short
    checkout.write_text("second\n")
    assert git_module.commit() == short + "+"
    git(checkout.parent, "add", "git.py")
    assert git_module.commit() == short + "+"
    git(checkout.parent, "checkout", "-q", "--detach")
    assert git_module.commit() == short + "+"


def committed(checkout: Path) -> str:
    """Commit the checkout's file; return the short commit."""
    git(checkout.parent, "add", ".")
    git(checkout.parent, "commit", "-q", "-m", "first")
    return git(checkout.parent, "rev-parse", "HEAD")[:7]


@pytest.fixture
def other(tmp_path) -> Path:
    """A repository of somebody else, with a commit."""
    git(tmp_path, "init", "-q", "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "not ours")
    return tmp_path / "other"


@pytest.mark.parametrize("names", ["GIT_DIR", "GIT_DIR GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"])
def test_git_variables_that_a_hook_inherits_change_nothing(checkout, other, monkeypatch, names):
    short = committed(checkout)
    places = {
        "GIT_DIR": ".git",
        "GIT_WORK_TREE": "",
        "GIT_INDEX_FILE": ".git/none",
        "GIT_OBJECT_DIRECTORY": ".git/none",
    }
    for name in names.split():
        monkeypatch.setenv(name, str(other / places[name]))
    assert git_module.commit() == short


def test_the_commit_of_a_surrounding_repository_is_not_used(other, monkeypatch):
    file = other / "unpacked" / "bench" / "system" / "git.py"
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setattr(git_module, "__file__", str(file))
    assert git_module.commit() == ""
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "unpacked")
    assert git_module.commit() == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_checkout_of_another_owner_has_its_commit(checkout, monkeypatch):
    short, root = committed(checkout), checkout.parents[2]
    for path in (root, *root.rglob("*")):
        os.chown(path, 54321, 54321)
    monkeypatch.setenv("HOME", str(root))  # git takes a checkout that root's own settings call safe
    assert subprocess.run(["git", "status"], cwd=root, capture_output=True).returncode
    assert git_module.commit() == short


@pytest.mark.parametrize(
    "words", [("worktree", "add", "-q", "--detach"), ("clone", "-q", "--depth", "1", "--no-local", ".")]
)
def test_a_worktree_a_shallow_clone_and_a_link_have_their_commit(checkout, tmp_path, monkeypatch, words):
    short = committed(checkout)
    git(checkout.parents[2], *words, str(tmp_path / "a b"))
    (tmp_path / "link").symlink_to("a b")
    for name in ("a b", "link"):
        monkeypatch.setattr(git_module, "__file__", str(tmp_path / name / "bench" / "system" / "git.py"))
        assert git_module.commit() == short


def test_a_monitor_of_files_is_not_started(checkout, tmp_path):
    short = committed(checkout)
    git(checkout.parent, "config", "core.fsmonitor", f"touch '{tmp_path}/started'; false")
    assert git_module.commit() == short
    assert not (tmp_path / "started").exists()


def test_a_hanging_git_is_stopped(tmp_path, monkeypatch):
    (tmp_path / "git").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(git_module, "TIMEOUT_S", 0.1)
    assert git_module.commit() == ""


@pytest.mark.parametrize("branch", [b"caf\xe9", "caf\u00e9".encode(), "two\u2028lines".encode()])
def test_branches_may_have_any_name(checkout, branch):
    git(checkout.parent, "add", ".")
    git(checkout.parent, "commit", "-q", "-m", "first")
    git(checkout.parent, "branch", "-m", os.fsdecode(branch))
    assert git_module.commit() == git(checkout.parent, "rev-parse", "HEAD")[:7]


def test_reading_the_commit_writes_nothing_into_the_repository(checkout):
    """A git killed while it writes would leave index.lock, which blocks the user's own git."""
    git(checkout.parent, "add", ".")
    git(checkout.parent, "commit", "-q", "-m", "first")
    index = checkout.parents[2] / ".git" / "index"
    before = index.stat().st_mtime_ns, index.read_bytes()
    os.utime(checkout, (1e9, 1e9))  # git would then update the index with the new time
    assert git_module.commit()
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before
    git(checkout.parent, "describe", "--always", "--dirty")
    assert index.read_bytes() != before[1]  # the changed time does make git update the index


def test_a_killed_git_is_run_again(tmp_path, monkeypatch):
    mark, expected = tmp_path / "killed once", git_module.commit()
    (tmp_path / "git").write_text(KILLED.format(mark=mark, git=shutil.which("git")))
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert git_module.commit() == expected
    assert mark.exists()
    assert bool(expected) == (Path(__file__).parents[3] / ".git").exists()


def test_outside_a_checkout_and_without_git_there_is_no_commit_and_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(git_module, "__file__", str(tmp_path / "bench" / "system" / "git.py"))
    (tmp_path / "bench" / "system").mkdir(parents=True)
    assert git_module.commit() == ""
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_module.commit() == ""
