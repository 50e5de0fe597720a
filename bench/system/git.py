"""The commit of this code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

COMMIT_VARIABLE = "ABLATE_COMMIT"  # names the commit of a copy without a checkout
# `git describe --dirty` would lock the index: killed meanwhile, it leaves the lock, which blocks the user's own git
STATUS_COMMAND = "git --no-optional-locks status --porcelain=v2 --branch --untracked-files=no"


def commit() -> str:
    """Return the short commit, followed by '+' where files differ from it; '' outside a checkout."""
    if COMMIT_VARIABLE in os.environ:
        return os.environ[COMMIT_VARIABLE]
    root, status = Path(__file__).parents[2], b""  # bytes: names of branches and files come in any encoding
    try:
        for _ in range(3):  # a git that was killed is no evidence about the checkout
            process = subprocess.run(STATUS_COMMAND.split(), cwd=root, capture_output=True)
            if process.returncode >= 0:
                status = process.stdout
                break
    except OSError:
        return ""
    _, _, head = status.partition(b"# branch.oid ")
    changed = any(line and not line.startswith(b"#") for line in status.split(b"\n"))
    return "" if head.startswith(b"(") else head[:7].decode() + "+" * changed  # '(initial)': no commit yet
