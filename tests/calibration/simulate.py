"""Simulated studies with known true differences, in standard deviations of a paired difference."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import vectorised
from vectorised import Judged

from ablations.framework.seeds import INTERIM_ANALYSES

LAST_ANALYSIS = INTERIM_ANALYSES[-1]
NOTHING = 1e-6  # a margin so small that p alone decides
SHARED = "normal, one baseline"
SKEWED = ("exponential", "lognormal")
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def resampled(values: list[float]) -> Draw:
    """Differences between two trials drawn from real trials of one arm, as between equal arms."""
    centred = np.array(values) / (math.sqrt(2) * np.std(values))
    return lambda random, shape: random.choice(centred, shape) - random.choice(centred, shape)


def shared(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal differences that correlate by 0.5 among all parts of a study, as with one baseline."""
    studies, *parts, pairs = shape
    baseline = random.normal(size=(studies, *(1 for _ in parts), pairs))
    return (random.normal(size=shape) - baseline) / math.sqrt(2)


def heavy_tailed(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Differences of two lognormal times of unit logarithmic deviation: symmetric, with a kurtosis of about 60."""
    return (random.lognormal(size=shape) - random.lognormal(size=shape)) / math.sqrt(2 * (math.e - 1) * math.e)


REAL = json.loads((Path(__file__).parent / "accuracies.json").read_text(encoding="utf-8"))
DRAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    SHARED: shared,
    "exponential": lambda random, shape: random.exponential(size=shape) - 1,
    "lognormal": lambda random, shape: (
        (random.lognormal(0, 1, shape) - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)
    ),
    "heavy-tailed": heavy_tailed,
    **{f"A/A on {name}": resampled(entry["values"]) for name, entry in REAL.items()},
}


class Design(NamedTuple):
    """A family of claims and the rule that judges it.

    Attributes:
        draw: Name of the distribution of differences.
        pairs: Number of pairs; None for looks.
        claims: Number of claims.
        effects: True difference of each part of a claim.
        margin: Margin of every part.
        direction: Direction of every part.
        timed: Whether they are timings.
    """

    draw: str = "normal"
    pairs: int | None = None
    claims: int = 1
    effects: tuple[float, ...] = (0.0,)
    margin: float = NOTHING
    direction: str = "higher"
    timed: bool = False

    def judge(self, random: np.random.Generator, studies: int) -> Judged:
        """Simulate and judge studies."""
        shape = studies, self.claims, len(self.effects), self.pairs or LAST_ANALYSIS
        differences = DRAWS[self.draw](random, shape) + np.array(self.effects)[:, None]
        if self.pairs is None:
            return vectorised.judge_sequentially(differences, self.margin, self.direction)
        tests = vectorised.signed_rank_tests(differences) if self.timed else vectorised.t_tests(differences)
        return vectorised.judge_fixed(tests, self.pairs, self.margin, self.direction)

    def __str__(self) -> str:
        pairs = "looks" if self.pairs is None else f"{self.pairs} {'rounds' if self.timed else 'pairs'}"
        claims = "one claim" if self.claims == 1 else f"{self.claims} claims"
        words = [self.draw, pairs, claims + f" of {len(self.effects)} parts" * (len(self.effects) > 1)]
        if any(self.effects):
            words.append("effect " + " and ".join(f"{effect:.2f}" for effect in self.effects))
        if self.margin != NOTHING:
            words.append(f"margin {self.margin:.2f}")
        return ", ".join([*words, *["equal"] * (self.direction == "equal")])


class Checks(NamedTuple):
    """Claims, each with robustness checks of the same true difference as the stated part.

    Attributes:
        draw: Name of the distribution of differences.
        pairs: Number of pairs of the stated parts; None for looks.
        check_pairs: Number of pairs of the checks.
        claims: Number of claims.
        checks: Number of checks of each.
    """

    draw: str = "normal"
    pairs: int | None = None
    check_pairs: int = 5
    claims: int = 6
    checks: int = 3

    def differing_share(self, random: np.random.Generator, studies: int, effect: float = 2.0) -> float:
        """Share of studies in which any check is shown to differ."""
        shape = studies, self.claims, 1 + self.checks, max(self.check_pairs, self.pairs or LAST_ANALYSIS)
        differences = DRAWS[self.draw](random, shape) + effect
        stated = differences[:, :, 0]
        pairs = np.full(stated.shape[:2], self.pairs or 0)
        if self.pairs is None:
            pairs = vectorised.judge_sequentially(stated[:, :, None], margin=1.0).pairs
        checks = differences[:, :, 1:, : self.check_pairs]
        return float(vectorised.differing_checks(checks, stated, pairs).any((1, 2)).mean())

    def __str__(self) -> str:
        stated = "looks" if self.pairs is None else f"{self.pairs} pairs"
        return f"{self.draw}, {stated}, {self.claims} claims with {self.checks} checks each at {self.check_pairs} pairs"


class Factorial(NamedTuple):
    """A full factorial of five switches; deviations are those of a trial.

    Attributes:
        effect: True main effect of every switch.
        margin: Margin of every main effect.
        joined: Whether the five are the parts of one claim; else each is a claim.
        seed_deviation: Spread of the seeds' means.
        effect_deviation: Spread of the main effects over the seeds.
        seeds: Number of seeds.
        claims: Number of the main effects that are judged.
    """

    effect: float = 0.0
    margin: float = NOTHING
    joined: bool = False
    seed_deviation: float = 1.0
    effect_deviation: float = 0.0
    seeds: int = 3
    claims: int = 5

    def judge(self, random: np.random.Generator, studies: int) -> Judged:
        """Simulate and judge studies."""
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=5)))
        effects = self.effect + random.normal(size=(studies, self.seeds, 5)) * self.effect_deviation
        values = random.normal(size=(studies, self.seeds, 32)) + effects @ signs.T / 2
        values += random.normal(size=(studies, self.seeds, 1)) * self.seed_deviation
        tests = vectorised.Tests(*(field[:, : self.claims] for field in vectorised.factorial_tests(values, signs)))
        if self.joined:
            tests = vectorised.Tests(*(field[:, None, :, 0] for field in tests))
        return vectorised.judge_fixed(tests, self.seeds, self.margin)

    def __str__(self) -> str:
        claims = "one claim" if self.claims == 1 else f"{self.claims} claims"
        claims = f"one claim of {self.claims} parts" if self.joined else claims
        effect = f", effect {self.effect:.2f}, margin {self.margin:.2f}" * bool(self.effect)
        return f"{self.seeds} seeds, {claims}{effect}, spread of effects over seeds {self.effect_deviation:g}"
