"""Error rates and power of verdicts, against their goals; `make calibrate` simulates 10,000 studies per row."""

import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from simulate import DRAWS, LAST_ANALYSIS, SHARED, SKEWED, Checks, Design, Factorial
from vectorised import NEGLIGIBLE, REFUTED, SUPPORTED

from reports.statistics import power

WRONG, DECIDED = (SUPPORTED, REFUTED), (SUPPORTED, REFUTED, NEGLIGIBLE)
BLOCK = 2_000  # studies simulated at once
FAMILY, LARGE_FAMILY = 6, 16  # claims
EQUAL_ARMS = ("normal", SHARED, "A/A on digits", "A/A on CIFAR-10")
LOOKS = None
Share = Callable[[np.random.Generator, int], tuple[float, float]]  # share and mean number of pairs


class Row(NamedTuple):
    """A row of the table: a case, and the share of some verdicts with its goal.

    Attributes:
        group: What the row is about.
        case: The design.
        share: Simulates a number of studies, and returns the share and the mean number of pairs.
        limit: Largest allowed share; with `is_power` the smallest.
        is_power: Whether the share must reach the limit.
        miss: Why the row misses its goal, if it is known to.
    """

    group: str
    case: str
    share: Share
    limit: float = 0.05
    is_power: bool = False
    miss: str = ""


def any_claim(design, verdicts=WRONG) -> Share:
    """Share of studies with at least one of the verdicts."""

    def share(random, studies):
        judged = design.judge(random, studies)
        return float(np.isin(judged.verdicts, verdicts).any(1).mean()), float(judged.pairs.mean())

    return share


def each_claim(design, verdicts=DECIDED) -> Share:
    """Share of claims with one of the verdicts."""

    def share(random, studies):
        judged = design.judge(random, studies)
        return float(np.isin(judged.verdicts, verdicts).mean()), float(judged.pairs.mean())

    return share


def wrong(group, design, verdicts=WRONG) -> Row:
    skewed = "the t test fails for skewed differences" if getattr(design, "draw", "") in SKEWED else ""
    return Row(group, str(design), any_claim(design, verdicts), miss=skewed)


def right(group, design, verdicts=DECIDED, miss="") -> Row:
    return Row(group, str(design), each_claim(design, verdicts), power.POWER, is_power=True, miss=miss)


def planned(design) -> Design:
    """The smallest effect that `ablate plan` calls decidable, with the margin that this number of pairs detects."""
    pairs = design.pairs or LAST_ANALYSIS
    margin = detectable(pairs)
    effect = power.supportable_difference(1.0, pairs, margin)
    return design._replace(effects=(effect,) * len(design.effects), margin=margin)


def detectable(pairs):
    return power.detectable_difference(1.0, pairs)


def families():
    """No effect, and a margin so small that p alone decides: the worst case for wrong verdicts."""
    for draw in (draw for draw in DRAWS if draw not in (SHARED, "heavy-tailed")):
        for pairs in (3, 5, 10, LOOKS):
            yield wrong("one claim, no effect", Design(draw, pairs))
    for draw in EQUAL_ARMS:
        for claims, pairs in ((FAMILY, 5), (LARGE_FAMILY, 10), (LARGE_FAMILY, LOOKS)):
            yield wrong("family, no effect", Design(draw, pairs, claims))


def joined_claims():
    """Claims of several parts, without any effect, and with an effect in the first part alone."""
    for draw in ("normal", SHARED):
        for effects in ((0.0, 0.0), (0.0, 0.0, 0.0), (3.0, 0.0), (9.0, 0.0)):
            for pairs in (5, LOOKS):
                yield wrong("joined by AND", Design(draw, pairs, FAMILY, effects))


def any_differing(design) -> Share:
    """Share of studies with a check that is shown to differ from the stated part."""
    return lambda random, studies: (design.differing_share(random, studies), design.check_pairs)


def checks():
    for draw in EQUAL_ARMS:
        for pairs, check_pairs in ((5, 5), (10, 10), (LOOKS, 5)):
            design = Checks(draw, pairs, check_pairs)
            yield Row("different from the stated setting, equal effects", str(design), any_differing(design))


def factorials():
    for joined in (False, True):
        yield wrong("factorial, no effect", Factorial(joined=joined))
    yield wrong("factorial, no effect", Factorial(effect_deviation=0.3, seeds=2))
    for deviation in (0.1, 0.2, 0.3, 0.5, 1.0):
        yield wrong("factorial, no mean effect", Factorial(effect_deviation=deviation))
    error = math.sqrt(4 / 96)
    margin = 2.8 * error
    effect = margin + 0.95 * error  # 0.85 for a power of 0.8, and what 10 degrees of freedom cost
    yield right("factorial, planned effect", Factorial(effect, margin, claims=1), (SUPPORTED,))


def timings():
    for draw, pairs in (("heavy-tailed", 15), ("heavy-tailed", 30), ("normal", 15)):
        for claims in (1, FAMILY):
            yield wrong("timings, no effect", Design(draw, pairs, claims, timed=True))
    for draw in ("heavy-tailed", "normal"):
        at_margin = Design(draw, 15, 1, (1.0,), 1.0, timed=True)
        yield wrong("timings, at the margin", at_margin, (NEGLIGIBLE,))
        yield right("timings, twice the margin", at_margin._replace(effects=(2.0,)), (SUPPORTED,))


def planned_effects():
    for draw in (draw for draw in DRAWS if draw not in (SHARED, "heavy-tailed")):
        for pairs in (5, 10, LOOKS):
            yield right("planned effect", planned(Design(draw, pairs)))
    before = "plans are made before Holm's correction"
    for pairs in (10, LOOKS):
        yield right("planned effect", planned(Design("normal", pairs, FAMILY)), miss=before)
    half = "half of all means lie below the margin"
    yield right("effect at the margin", Design("normal", 10, 1, (detectable(10),), detectable(10)), miss=half)


def equivalences():
    """A margin of one deviation, for which `pairs` show equivalence four times in five."""
    pairs = power.pairs_to_equate(1.0, 1.0)
    fixed, equal = Design("normal", pairs, margin=1.0), Design("normal", pairs, margin=1.0, direction="equal")
    looks, at_margin = fixed._replace(pairs=LOOKS), {"effects": (1.0,)}
    yield right("no effect", fixed, (NEGLIGIBLE,))
    yield right("no effect", looks, (NEGLIGIBLE,))
    yield right("no effect", equal, (SUPPORTED,))
    yield wrong("at the margin, negligible", fixed._replace(**at_margin), (NEGLIGIBLE,))
    yield wrong("at the margin, negligible", looks._replace(**at_margin), (NEGLIGIBLE,))
    yield wrong("at the margin, equal", equal._replace(**at_margin), (SUPPORTED,))
    yield wrong("at the margin, not equal", equal._replace(**at_margin), (REFUTED,))


GROUPS = (families, joined_claims, checks, factorials, timings, planned_effects, equivalences)
ROWS = [row for group in GROUPS for row in group()]


def marked(row):
    """The row as a parameter; rows that miss their goal, listed in docs/statistics.md, are expected to fail."""
    marks = [pytest.mark.xfail(reason=row.miss)] if row.miss else []
    return pytest.param(row, id=f"{row.group}: {row.case}", marks=marks)


def simulate(row, studies, seed):
    """Return the share and the mean number of pairs, in blocks that fit memory."""
    sizes = [BLOCK] * (studies // BLOCK) + [studies % BLOCK] * (studies % BLOCK > 0)
    results = [row.share(np.random.default_rng((seed, index)), size) for index, size in enumerate(sizes)]
    return np.average(results, axis=0, weights=sizes)


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_error_rates_and_power_of_verdicts_meet_their_goals(row, studies, add_row):
    """A row that misses its goal by more than two standard errors runs again with ten times as many studies."""
    seed = zlib.crc32(f"{row.group} {row.case}".encode())
    for count in (studies, 10 * studies):
        share, pairs = simulate(row, count, (seed + count) % 2**32)
        error = math.sqrt(row.limit * (1 - row.limit) / count)
        is_missed = row.limit - share > 2 * error if row.is_power else share - row.limit > 2 * error
        if not is_missed:
            break
    goal = f"at {'least' if row.is_power else 'most'} {100 * row.limit:g}"
    add_row(row.group, row.case, f"{100 * share:.1f}" + " (missed)" * bool(is_missed), goal, f"{pairs:.1f}")
    assert not is_missed
