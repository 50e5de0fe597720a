"""What a running trial's part file tells: its points, and that its worker lives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

SILENCE = 15 * 60.0  # seconds without a sign of life after which a trial's worker counts as hung
LOOK = 1.0  # seconds at most that one look adds to the silence: whoever looks may himself have been asleep


class Watch:
    """Looks at the part file again and again.

    What lies there at the beginning is an earlier process's, and counts for nothing until the worker writes over it.
    Times of two clocks are never compared: a look only sees whether the file has changed since the last one.
    """

    def __init__(self, part: Path) -> None:
        self.part, self.read = part, 0
        self.begin()

    def begin(self) -> None:
        """A worker begins, or begins again: points that were told are not told again."""
        self.stale = self.stamp = touched(self.part)
        self.silent, self.looked = 0.0, time.monotonic()

    def hung(self) -> bool:
        now, stamp = time.monotonic(), touched(self.part)
        self.silent = 0.0 if stamp != self.stamp else self.silent + min(now - self.looked, LOOK)
        self.stamp, self.looked = stamp, now
        return self.silent > SILENCE

    def points(self) -> Iterator[dict[str, Any]]:
        """Those that were appended since the last time."""
        if touched(self.part) == self.stale:
            return
        try:
            lines = self.part.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return
        whole = [line for line in lines if line.endswith(b"\n")]
        for line in whole[self.read :]:
            yield json.loads(line)
        self.read = max(self.read, len(whole))


def touched(file: Path) -> int | None:
    """When the file was last written or touched; None where it is not there."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime_ns
    return None
