"""Times of training steps."""

import itertools
import time
from typing import Any

import torch

WARM_UP_STEPS = 3  # number of first steps that are not counted


class Stopwatch:
    """Measures step times without waiting for the device: CUDA events on a GPU, the clock on a CPU."""

    def __init__(self, device: str) -> None:
        self.cuda = device == "cuda"
        self.laps: list[list[Any]] = []

    def start(self) -> None:
        """Start a lap; time before it is not counted."""
        self.laps.append([])
        self.mark()

    def mark(self) -> None:
        """Mark the end of a step."""
        if self.cuda:
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.laps[-1].append(event)
        else:
            self.laps[-1].append(time.perf_counter())

    def milliseconds(self) -> list[float]:
        """Return the milliseconds of each step over all laps, without the warm-up steps."""
        if self.cuda:
            torch.cuda.synchronize()
        steps = [pair for lap in self.laps for pair in itertools.pairwise(lap)]
        step_ms = [start.elapsed_time(end) if self.cuda else (end - start) * 1e3 for start, end in steps]
        warm_up = WARM_UP_STEPS + self.cuda  # on a GPU the step after those records a graph
        return step_ms[min(warm_up, len(step_ms) - 1) :]
