"""Heartbeats: a worker writes or touches its trial's part file; a worker that stops doing so counts as hung."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.spec.errors import InputError
from bench.system import files

HUNG_AFTER_S = 15 * 60.0
MAX_POLL_S = 1.0  # maximal silence counted per poll, because the polling process may have been suspended


class HeartbeatMonitor:
    """Polls a part file for its worker's heartbeat and for new points.

    Content from before the monitor's start is an earlier process's, and is ignored until the worker overwrites it.
    Only changes between polls count: the clocks of the two processes are never compared.
    """

    def __init__(self, part_file: Path) -> None:
        self.part_file, self.yielded_count = part_file, 0
        self.start_attempt()

    def start_attempt(self) -> None:
        """Start to watch a worker; if it replaces another one, points already yielded are not yielded again."""
        self.stale_ns = self.modified_ns = modified_ns(self.part_file)
        self.silence_s, self.polled_s = 0.0, time.monotonic()

    def is_hung(self) -> bool:
        """Poll the heartbeat; return whether the worker has been silent for too long."""
        now_s, modified = time.monotonic(), modified_ns(self.part_file)
        silence_s = self.silence_s + min(now_s - self.polled_s, MAX_POLL_S)
        self.silence_s = 0.0 if modified != self.modified_ns else silence_s
        self.modified_ns, self.polled_s = modified, now_s
        return self.silence_s > HUNG_AFTER_S

    def new_points(self) -> Iterator[dict[str, Any]]:
        """Yield the points that were appended since the last call."""
        if modified_ns(self.part_file) == self.stale_ns:
            return
        try:
            lines = files.read(self.part_file).splitlines(keepends=True)
        except (FileNotFoundError, InputError):  # or a pipe in its place, which is not waited for
            return
        complete_lines = [line for line in lines if line.endswith(b"\n")]
        for line in complete_lines[self.yielded_count :]:
            yield json.loads(line)
        self.yielded_count = max(self.yielded_count, len(complete_lines))


def modified_ns(file: Path) -> int | None:
    """Return the time of the file's last modification in nanoseconds; None if it does not exist."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime_ns
    return None
