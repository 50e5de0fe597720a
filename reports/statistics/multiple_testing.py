"""Correction of p values for the number of claims in a family (Holm 1979)."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np


class PartTest(NamedTuple):
    """The test of one part of a claim.

    Attributes:
        key: Identifies the test: parts with equal keys are one test of the same trials.
        p_value: Two-sided, against a difference of zero; None if the part cannot be tested.
        way: 1 if the difference goes the claimed way, -1 if it goes against the claim, 0 for an equivalence, which
            can only be refuted by a difference.
    """

    key: Hashable
    p_value: float | None
    way: int


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given (Holm 1979).

    Rejecting where the adjusted p is at most alpha keeps the chance of any false rejection below alpha. The result
    equals `statsmodels.stats.multitest.multipletests`, which runs the garbage collector at each call: a tenth of a
    second, too slow for the calibration's many thousands of calls.

    Args:
        p_values: Shape (tests,).
    """
    return [min(p * multiplier, 1.0) for p, multiplier in zip(p_values, holm_multipliers(p_values), strict=True)]


def holm_multipliers(p_values: Sequence[float]) -> list[float]:
    """Factors of the p values that make them Holm's adjusted ones before these are cut at 1, in the order given.

    A factor is at least the number of hypotheses left at the value's rank.

    Args:
        p_values: Shape (tests,).
    """
    values = np.asarray(p_values, dtype=float)
    order, ranks = np.argsort(values), np.arange(len(values), 0, -1)
    ascending = values[order]
    stepped = np.maximum.accumulate(ascending * ranks)
    factors = np.maximum(np.divide(stepped, ascending, out=ranks.astype(float), where=ascending > 0), ranks)
    return [float(factor) for factor in factors[np.argsort(order)]]


def correct_family(claims: Sequence[Sequence[PartTest]]) -> list[list[float | None]]:
    """Correct the p values of a family of claims: Holm's correction over the claims, not over their parts.

    A claim joins k parts by AND. It is 'supported' only if every part is significant the claimed way: its p for that
    is the largest of its parts' (intersection-union test, Berger 1982), which needs no correction for k. It is
    'refuted' if any part is significant against it: its p for that is k times the smallest such p (Bonferroni). The
    smaller of the two is the claim's p. Under 'no part differs from zero' either verdict has half of alpha at most,
    since each counts one side of the parts' two-sided tests only: the first requires p <= alpha on the claimed side
    of one part, the second p <= alpha / k on the other side of any of k parts. (An equivalence counts both sides,
    but is refuted only if its 95 % interval also lies beyond the margin.)

    Holm's procedure rejects a claim where its p times its multiplier is at most alpha. So a part's corrected p is its
    own p times the claim's multiplier, and times k where it goes against the claim: the claim's verdict, read from the
    corrected p of its parts, is then the verdict of Holm's procedure. Claims that consist of the same tests count once.
    A claim without a test yet counts as one with p = 1, so that no verdict changes when it is tested later.

    Args:
        claims: For each claim the tests of its parts.

    Returns:
        For each claim the corrected p of each part; None where a part cannot be tested.
    """
    p_by_claim: dict[frozenset[Hashable], float] = {
        frozenset(part.key for part in parts): _claim_p(parts)
        for parts in claims
        if any(part.p_value is not None for part in parts)
    }
    untested = sum(all(part.p_value is None for part in parts) for parts in claims)
    multipliers = dict(zip(p_by_claim, holm_multipliers([*p_by_claim.values(), *[1.0] * untested]), strict=False))
    return [
        [_correct(part, len(parts), multipliers[frozenset(p.key for p in parts)]) for part in parts]
        if any(part.p_value is not None for part in parts)
        else [None] * len(parts)
        for parts in claims
    ]


def _claim_p(parts: Sequence[PartTest]) -> float:
    """The smaller one of a claim's p for 'supported' and its p for 'refuted'."""
    directed = [part for part in parts if part.way]
    is_as_claimed = bool(directed) and all(part.way > 0 and part.p_value is not None for part in directed)
    p_supported = max(part.p_value or 0.0 for part in directed) if is_as_claimed else 1.0
    against = [part.p_value for part in parts if part.way <= 0 and part.p_value is not None]
    return min(p_supported, len(parts) * min(against, default=1.0), 1.0)


def _correct(part: PartTest, parts: int, multiplier: float) -> float | None:
    if part.p_value is None:
        return None
    return min(part.p_value * multiplier * (parts if part.way <= 0 else 1), 1.0)
