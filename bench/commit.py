"""The commit of this code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOLD = "ABLATE_COMMIT"  # of a copy that is no checkout: where it is set, it is taken for the commit


def commit() -> str:
    """With '+' where the files differ from it, or '' outside a checkout."""
    if TOLD in os.environ:
        return os.environ[TOLD]
    here, words = Path(__file__).parent.parent, ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        for _ in range(3):  # where it was killed, that says nothing of the checkout
            told = subprocess.run(words, cwd=here, capture_output=True, text=True)
            if told.returncode >= 0:
                break
    except OSError:
        return ""
    return told.stdout.strip()
