"""What a benchmark measures: ratios, their median and spread, against a goal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

SPREAD = 0.10  # beyond it the machine was too busy for the figure
FEWEST = 3  # samples that have a spread


class Figure(NamedTuple):
    """samples: one a round. goal: at least that, or at most where `most`; None for what has none."""

    name: str
    samples: Sequence[float]
    goal: float | None = None
    most: bool = False
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
        """Whether the machine was quiet enough: a small spread, or samples that lie far below their limit however they
        spread. None where there are too few to tell."""
        if len(self.samples) < FEWEST:
            return None
        far_below = self.most and self.goal is not None and np.percentile(self.samples, 75) <= self.goal / 2
        return self.spread <= SPREAD or bool(far_below)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.median <= self.goal if self.most else self.median >= self.goal

    def row(self) -> dict[str, object]:
        return {
            "name": self.name,
            "median": self.median,
            "spread": self.spread,
            "goal": self.goal,
            "goal_is": None if self.goal is None else "at most" if self.most else "at least",
            "unit": self.unit,
            "fit": self.fit,
            "met": self.met,
            "samples": list(map(float, self.samples)),
        }


def table(figures: Sequence[Figure]) -> str:
    """A line a figure."""
    width = max((len(figure.name) for figure in figures), default=0)
    lines = [f"{'figure':<{width}} {'median':>16} {'spread':>7} {'rounds':>6} {'goal':>19}"]
    for figure in figures:
        goal = "" if figure.goal is None else f"{'<=' if figure.most else '>='} {text(figure.goal, figure.unit)}"
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        if figure.fit is False:
            verdict = f"unfit: the machine was busy {f'({verdict})' if verdict else ''}"
        median = text(figure.median, figure.unit)
        told = (
            f"{figure.name:<{width}} {median:>16} {figure.spread:>7.1%} {len(figure.samples):>6} {goal:>19}  {verdict}"
        )
        lines.append(told.rstrip())
    return "\n".join(lines)


def text(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.2f} %"
    return f"{value:.3g} {unit}" if abs(value) < 1000 else f"{value:,.0f} {unit}"


def write(figures: Sequence[Figure], file: Path, about: dict[str, object]) -> None:
    """A row a figure, each with what measured it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([figure.row() | about for figure in figures], indent=1), encoding="utf-8")
