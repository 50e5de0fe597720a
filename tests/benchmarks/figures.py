"""Figures of benchmarks: samples of ratios, their median and spread, and a goal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

MAX_SPREAD = 0.10  # above it the machine was too busy for the figure
MIN_SAMPLES = 3  # with fewer samples a spread says nothing


class Figure(NamedTuple):
    """A measured quantity.

    Attributes:
        name: Name shown in the table.
        samples: One value per round.
        goal: Lower limit of the median; upper limit with `is_upper_limit`; None without a goal.
        is_upper_limit: Whether the goal is an upper limit.
        unit: Unit of the samples.
    """

    name: str
    samples: Sequence[float]
    goal: float | None = None
    is_upper_limit: bool = False
    unit: str = "x"

    @property
    def median(self) -> float:
        return float(np.median(self.samples))

    @property
    def spread(self) -> float:
        """The samples' interquartile range over their median."""
        return float(np.subtract(*np.percentile(self.samples, [75, 25])) / abs(self.median))

    @property
    def fit(self) -> bool | None:
        """Whether the machine was quiet enough: a small spread, or samples far below their upper limit.

        None for too few samples.
        """
        if len(self.samples) < MIN_SAMPLES:
            return None
        far_below = self.is_upper_limit and self.goal is not None and np.percentile(self.samples, 75) <= self.goal / 2
        return self.spread <= MAX_SPREAD or bool(far_below)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.median <= self.goal if self.is_upper_limit else self.median >= self.goal

    def as_row(self) -> dict[str, object]:
        return {
            "name": self.name,
            "median": self.median,
            "spread": self.spread,
            "goal": self.goal,
            "goal_is": None if self.goal is None else "at most" if self.is_upper_limit else "at least",
            "unit": self.unit,
            "fit": self.fit,
            "met": self.met,
            "samples": list(map(float, self.samples)),
        }


def format_table(figures: Sequence[Figure]) -> str:
    """Format a table with one line per figure."""
    width = max((len(figure.name) for figure in figures), default=0)
    lines = [f"{'figure':<{width}} {'median':>16} {'spread':>7} {'rounds':>6} {'goal':>19}"]
    for figure in figures:
        goal = (
            ""
            if figure.goal is None
            else f"{'<=' if figure.is_upper_limit else '>='} {format_value(figure.goal, figure.unit)}"
        )
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        if figure.fit is False:
            verdict = f"unfit: the machine was busy {f'({verdict})' if verdict else ''}"
        median = format_value(figure.median, figure.unit)
        line = (
            f"{figure.name:<{width}} {median:>16} {figure.spread:>7.1%} {len(figure.samples):>6} {goal:>19}  {verdict}"
        )
        lines.append(line.rstrip())
    return "\n".join(lines)


def format_value(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.2f} %"
    return f"{value:.3g} {unit}" if abs(value) < 1000 else f"{value:,.0f} {unit}"


def write_json(figures: Sequence[Figure], file: Path, environment: dict[str, object]) -> None:
    """Write one object per figure, each with the environment that measured it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([figure.as_row() | environment for figure in figures], indent=1), encoding="utf-8")
