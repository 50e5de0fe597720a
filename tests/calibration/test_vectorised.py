"""The vectorised rules of the calibration against `judge`, on a few studies."""

import itertools

import numpy as np
import pandas as pd
import pytest
import vectorised

from ablations import Claim, Contrast
from ablations.framework import effects
from ablations.framework.seeds import INTERIM_ANALYSES
from reports.statistics.claim_verdicts import judge
from reports.statistics.factorial import analyse_effect
from reports.statistics.pairs import Design
from reports.tables.observations import Observation

PARTS, CLAIMS = 2, 3


def judge_study(differences, metric="test/loss", direction="higher", design=None, beyond=None):
    """Judge one study by `judge`: differences by claim and part, each against a base of zero."""
    groups = {f"arm {c} {p}": values for c, parts in enumerate(differences) for p, values in enumerate(parts)}
    beyond = [[] for _ in differences] if beyond is None else beyond
    groups |= {f"check {c} {p}": values for c, parts in enumerate(beyond) for p, values in enumerate(parts)}
    base = [0.0] * max(map(len, groups.values()))
    rows = [
        Observation("study", arm, pair, metric, value, identity=f"{arm} {pair}", trained=not metric.startswith("time"))
        for arm, values in {**groups, "base": base}.items()
        for pair, value in enumerate(values)
    ]
    claims = [
        Claim(
            str(c),
            "A sentence",
            tuple(Contrast(metric, f"arm {c} {p}", "base", 0.8, direction) for p in range(len(parts))),
            beyond={str(p): Contrast(metric, f"check {c} {p}", "base", 0.8) for p in range(len(beyond[c]))},
        )
        for c, parts in enumerate(differences)
    ]
    return judge([("study", claim) for claim in claims], pd.DataFrame(rows), designs={"study": design or Design()})


@pytest.mark.parametrize("direction", ["higher", "equal"])
@pytest.mark.parametrize(
    "metric, tests", [("test/loss", vectorised.t_tests), ("time/step_ms", vectorised.signed_rank_tests)]
)
def test_families_of_a_fixed_number_of_pairs(metric, tests, direction):
    differences = np.random.default_rng(5).normal(0.8, 1, (12, CLAIMS, PARTS, 15))
    ours = vectorised.judge_fixed(tests(differences), 15, 0.8, direction)
    for study, verdicts in zip(differences, ours.verdicts, strict=True):
        judgements = judge_study(study, metric, direction)
        assert [vectorised.NAMES[verdict] for verdict in verdicts] == [j.verdict for j in judgements]


def test_families_with_looks():
    differences = (
        np.random.default_rng(6)
        .normal((0.0, 0.0, 1.2)[:CLAIMS], 0.3, (12, PARTS, INTERIM_ANALYSES[-1], CLAIMS))
        .transpose(0, 3, 1, 2)
    )
    ours = vectorised.judge_sequentially(differences, 0.8)
    assert len(np.unique(ours.pairs)) > 1
    for study, verdicts, pairs in zip(differences, ours.verdicts, ours.pairs, strict=True):
        samples = [[values[:n] for values in parts] for parts, n in zip(study, pairs, strict=True)]
        seeds = {f"arm {c} {p}": n for c, n in enumerate(pairs) for p in range(PARTS)} | {"base": max(pairs)}
        judgements = judge_study(samples, design=Design(requested_seeds=seeds))
        assert [vectorised.NAMES[verdict] for verdict in verdicts] == [j.verdict for j in judgements]


def test_checks_that_differ():
    random = np.random.default_rng(7)
    stated, checks = random.normal(0, 0.5, (12, CLAIMS, 8)), random.normal(0.5, 0.5, (12, CLAIMS, 2, 5))
    ours = vectorised.differing_checks(checks, stated, np.full((12, CLAIMS), 8))
    assert ours.any() and not ours.all()
    for study, beyond, differs in zip(stated, checks, ours, strict=True):
        judgements = judge_study(study[:, None], beyond=beyond)
        assert differs.tolist() == [[check.differs for check in judgement.checks] for judgement in judgements]


def test_the_analysis_of_variance_with_and_without_dependence_on_the_seed():
    names = "abcde"
    on = [
        [name for name, sign in zip(names, signs, strict=True) if sign > 0]
        for signs in itertools.product((-1, 1), repeat=5)
    ]
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=5)))
    random = np.random.default_rng(8)
    values = (
        random.normal(size=(6, 3, 32))
        + random.normal(0, 0.5, (6, 3, 5)) * np.array([0, 0, 0, 1, 2, 3])[:, None, None] @ signs.T / 2
    )
    ours = vectorised.factorial_tests(values, signs)
    for study, p_values, lows in zip(values, ours.p_value, ours.low, strict=True):
        by_arm = {effects.arm_name(names, arm): dict(enumerate(study[:, n])) for n, arm in enumerate(on)}
        theirs = [
            analyse_effect(effects.main_effect(name), names, effects.full_effects(names), by_arm) for name in names
        ]
        assert p_values[:, 0] == pytest.approx([test.p_value for test in theirs])
        assert lows[:, 0] == pytest.approx([test.interval[0] for test in theirs])
