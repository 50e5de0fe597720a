"""The commit of this code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOLD = "ABLATE_COMMIT"  # of a copy that is no checkout: where it is set, it is taken for the commit
# `describe --dirty` would say it in one word, but locks the index: killed there, it leaves the user's git locked out
STATUS = "git --no-optional-locks status --porcelain=v2 --branch --untracked-files=no"
LENGTH = 7  # letters, enough to find it by


def commit() -> str:
    """With '+' where the files differ from it, or '' outside a checkout."""
    if TOLD in os.environ:
        return os.environ[TOLD]
    here, status = Path(__file__).parents[2], b""  # names of branches and files come in any encoding
    try:
        for _ in range(3):  # where it was killed, that says nothing of the checkout
            done = subprocess.run(STATUS.split(), cwd=here, capture_output=True)
            if done.returncode >= 0:
                status = done.stdout
                break
    except OSError:
        return ""
    _, _, head = status.partition(b"# branch.oid ")
    changed = any(line and not line.startswith(b"#") for line in status.split(b"\n"))
    return "" if head.startswith(b"(") else head[:LENGTH].decode() + "+" * changed  # '(initial)': no commit yet
