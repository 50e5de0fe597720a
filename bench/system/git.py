"""The commit of this code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMMIT_VARIABLE = "ABLATE_COMMIT"  # names the commit of a copy without a checkout
TIMEOUT_S = 10.0
# `git describe --dirty` would lock the index: killed meanwhile, it leaves the lock, which blocks the user's own git.
# A file-system monitor would be left running.
STATUS = "--no-optional-locks -c core.fsmonitor=false status --porcelain=v2 --branch --untracked-files=no"


def commit() -> str:
    """Return the short commit, followed by '+' where files differ from it; '' outside a checkout and without git.

    Only a checkout in the folder of the code counts, not a repository around it, nor one that git's own variables name,
    as they do in a hook. Git reads a repository that is named by --git-dir, whoever owns it.
    """
    if COMMIT_VARIABLE in os.environ:
        return os.environ[COMMIT_VARIABLE]
    root, status = Path(__file__).resolve().parents[2], b""  # bytes: names of branches and files come in any encoding
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--git-dir", str(root / ".git"), "--work-tree", str(root), *STATUS.split()]
    try:
        for _ in range(3):  # a git that was killed is no evidence about the checkout
            process = subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=TIMEOUT_S)
            if process.returncode >= 0:
                status = process.stdout
                break
    except (OSError, subprocess.TimeoutExpired):
        return ""
    _, _, head = status.partition(b"# branch.oid ")
    changed = any(line and not line.startswith(b"#") for line in status.split(b"\n"))
    return "" if head.startswith(b"(") else head[:7].decode() + "+" * changed  # '(initial)': no commit yet
