"""Simulated studies with known true differences, judged by the same rules as real studies.

All quantities are in standard deviations of a paired difference. A study has several claims, each with differences of
shape (pairs,) whose true mean is known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ablations import Contrast
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics import sequential
from reports.statistics.multiple_testing import holm
from reports.statistics.pairs import Pairs
from reports.statistics.part_verdicts import decide

LAST_ANALYSIS = INTERIM_ANALYSES[-1]
NOTHING = 1e-6  # a margin so small that p alone decides
SHARED = "normal, one baseline"
UNDECIDED = ("underpowered", "inconclusive")
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def resampled(values: list[float]) -> Draw:
    """Differences between two trials drawn from real trials of one arm, as between equal arms."""
    centred = np.array(values) / (math.sqrt(2) * np.std(values))
    return lambda random, shape: random.choice(centred, shape) - random.choice(centred, shape)


def shared(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal differences; all claims of a study share a baseline, so that their differences correlate by 0.5."""
    studies, claims, pairs = shape
    arms = random.normal(size=(studies, claims + 1, pairs))
    return (arms[:, 1:] - arms[:, :1]) / math.sqrt(2)


REAL = json.loads((Path(__file__).parent / "accuracies.json").read_text(encoding="utf-8"))
DRAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    SHARED: shared,
    "exponential": lambda random, shape: random.exponential(size=shape) - 1,
    "lognormal": lambda random, shape: (
        (random.lognormal(0, 1, shape) - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)
    ),
    **{f"A/A on {name}": resampled(entry["values"]) for name, entry in REAL.items()},
}


class Rule(NamedTuple):
    """The rule that judges a study's claims; `pairs` is their number, the largest one with interim analyses."""

    pairs: int
    margin: float = NOTHING
    direction: str = "higher"
    interim: bool = False


class Study(NamedTuple):
    verdicts: list[str]
    pairs: list[int]  # number of pairs used by each claim


def simulate(draw: Draw, rule: Rule, studies: int, claims: int = 1, effect: float = 0.0, seed: int = 0) -> list[Study]:
    differences = draw(np.random.default_rng(seed), (studies, claims, rule.pairs)) + effect
    return [
        judge_sequentially(values, rule)
        if rule.interim
        else Study(judge_claims(list(values), rule), [rule.pairs] * claims)
        for values in differences
    ]


def judge_sequentially(differences: np.ndarray, rule: Rule) -> Study:
    """Judge as `--until-decided` does: undecided claims get the next analysis's pairs, and all are judged again."""
    pairs = [INTERIM_ANALYSES[0]] * len(differences)
    while True:
        verdicts = judge_claims([values[:n] for values, n in zip(differences, pairs, strict=True)], rule)
        waiting = [c for c, verdict in enumerate(verdicts) if verdict in UNDECIDED and pairs[c] < LAST_ANALYSIS]
        if not waiting:
            return Study(verdicts, pairs)
        for c in waiting:
            pairs[c] = INTERIM_ANALYSES[sequential.analyses_reached(pairs[c])]


def judge_claims(differences: list[np.ndarray], rule: Rule) -> list[str]:
    """Judge a study's claims with Holm's correction; a test compares the verdicts with those of `judge`."""
    part = Contrast("test/loss", "arm", "base", rule.margin, rule.direction)
    family = [_pairs(values, rule.interim) for values in differences]
    tests = [pairs.t_test() for pairs in family]
    tested = [c for c, test in enumerate(tests) if test.p_value is not None]
    p_holm = dict(zip(tested, holm([tests[c].p_value for c in tested]), strict=True))
    return [
        decide(part, pairs, test, p_holm.get(c))[0] for c, (pairs, test) in enumerate(zip(family, tests, strict=True))
    ]


def _pairs(differences: np.ndarray, interim: bool) -> Pairs:
    arm, analysis = tuple(map(float, differences)), sequential.analyses_reached(len(differences)) if interim else None
    return Pairs(arm, (0.0,) * len(arm), frozenset(), 0, 0, 0, True, (), analysis)


def any_claim(studies: list[Study], verdicts: tuple[str, ...]) -> float:
    """The share of studies in which at least one claim has such a verdict."""
    return float(np.mean([any(verdict in verdicts for verdict in study.verdicts) for study in studies]))


def each_claim(studies: list[Study], verdicts: tuple[str, ...]) -> float:
    """The share of claims that have such a verdict."""
    return float(np.mean([verdict in verdicts for study in studies for verdict in study.verdicts]))


def mean_pairs(studies: list[Study]) -> float:
    """The mean number of pairs per claim."""
    return float(np.mean([study.pairs for study in studies]))


def standard_error(share: float, studies: int) -> float:
    """The standard error of a share."""
    return math.sqrt(share * (1 - share) / studies)
