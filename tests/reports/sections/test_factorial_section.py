"""Blocks of a factorial study."""

from __future__ import annotations

from collections.abc import Callable

import fabricate
import pandas as pd
import pytest

from ablations import Study, Switch
from ablations.framework.designs import full_factorial, half_fraction
from ablations.framework.effects import ALL_OFF
from reports.evidence import Evidence
from reports.rendering.blocks import Figure, Note, Table
from reports.sections.factorial import TICK, build_factorial, tabulate_combined
from reports.statistics.factorial import analyse_effect
from reports.text.formatting import format_mean

SWITCHES = {name: Switch(on={name: 1}, off={name: 0}) for name in ("ReLU", "depth", "LRN")}
STUDY = Study("?", name="mine", **full_factorial(SWITCHES, margin=0.5))
CAPTION = "mine: points of test accuracy"
SEEDS = {0: 0.001, 1: -0.001, 2: 0.0}


def switched_on(arm: str) -> set[str]:
    return set(arm.split(" + ")) - {ALL_OFF}


def evidence(
    accuracy: Callable[[set[str]], float],
    lost_trials: tuple[tuple[str, int], ...] = (),
    study: Study = STUDY,
    metric: str = "test/accuracy",
) -> Evidence:
    """Evidence with results of every arm: accuracy(switches that are on), with small differences between seeds."""
    rows = [
        ("mine", arm, seed, f"{arm} {seed}", False, False, accuracy(switched_on(arm)) + noise * len(arm) / 1e3)
        for seed, noise in SEEDS.items()
        for arm in study.arms
        if (arm, seed) not in lost_trials
    ]
    results = pd.DataFrame(rows, columns=["study", "arm", "pair", "identity", "censored", "diverged", metric])
    return Evidence((study,), fabricate.setting(), [], {}, results, results, results, [])


def additive(on: set[str]) -> float:
    return 0.5 + 0.04 * ("ReLU" in on) + 0.02 * ("depth" in on)


def together(on: set[str]) -> float:
    """Accuracy with an interaction: LRN helps with ReLU and harms without it."""
    return 0.5 + (0.02 if "ReLU" in on else -0.02) * ("LRN" in on)


def tables(blocks) -> dict[str, Table]:
    return {block.caption: block for block in blocks if isinstance(block, Table)}


def numbers(table: Table) -> dict[str, list[float | None]]:
    return {row[0].text: [cell.sort for cell in row[1:]] for row in table.rows}


def test_without_interactions_all_definitions_of_an_effect_agree():
    blocks = build_factorial(STUDY, evidence(additive))
    rows = numbers(tables(blocks)["mine: points of test accuracy"])
    assert rows["ReLU"] == pytest.approx([4] * 4, abs=0.01)
    assert rows["depth"] == pytest.approx([2] * 4, abs=0.01)
    assert rows["LRN"] == pytest.approx([0] * 4, abs=0.01)
    assert not [block for block in blocks if isinstance(block, Note)]


def test_a_main_effect_has_the_interval_by_which_it_is_judged():
    data = evidence(lambda on: additive(on) + 0.003 * (len(on) == 1))  # the interactions of three are the error
    (main_effect, left_out, *_) = [cell.text for cell in tables(build_factorial(STUDY, data))[CAPTION].rows[0][1:]]
    values = {
        arm: {pair: 100 * value for pair, value in zip(rows["pair"], rows["test/accuracy"], strict=True)}
        for arm, rows in data.results.groupby("arm")
    }
    low, high = analyse_effect("main effect of ReLU", SWITCHES, STUDY.combinations, values).interval
    assert main_effect == format_mean((low + high) / 2, (high - low) / 2, signed=True)
    assert left_out.partition(" ± ")[2] != main_effect.partition(" ± ")[2]


def test_factors_that_need_each_other_show_in_interactions_and_in_a_note():
    blocks = build_factorial(STUDY, evidence(together))
    interactions = numbers(tables(blocks)["mine: two-way interactions, points of test accuracy"])
    assert interactions["ReLU"] == [None, pytest.approx(0, abs=0.01), pytest.approx(2, abs=0.01)]
    rows = numbers(tables(blocks)["mine: points of test accuracy"])
    assert rows["LRN"] == pytest.approx([0, 2, -2, 0], abs=0.01)
    (note,) = [block for block in blocks if isinstance(block, Note)]
    assert "LRN adds" in note.text and "ReLU adds" in note.text and "depth" not in note.text


def test_shapley_shares_add_up_in_the_remark():
    table = tables(build_factorial(STUDY, evidence(additive)))["mine: points of test accuracy"]
    assert "all less none, 6." in table.remark


def test_every_combination_has_a_row_with_ticks_best_first():
    table = tabulate_combined(STUDY, evidence(additive).results)
    assert len(table.rows) == 8
    assert {tuple(cell.text for cell in row[:3]) for row in table.rows[:2]} == {(TICK, TICK, TICK), (TICK, TICK, "")}
    accuracies = [row[-1].sort for row in table.rows]
    assert accuracies == sorted(accuracies, reverse=True)


def test_a_seed_without_one_arm_gives_no_effect():
    blocks = build_factorial(STUDY, evidence(additive, lost_trials=(("ReLU", 1),)))
    assert numbers(tables(blocks)["mine: points of test accuracy"])["ReLU"] == pytest.approx([4] * 4, abs=0.01)
    lost_trials = tuple((ALL_OFF, seed) for seed in SEEDS)
    (note,) = build_factorial(STUDY, evidence(additive, lost_trials=lost_trials))
    assert note.title == "Not finished"


def test_effects_are_drawn_with_their_seeds():
    (figure,) = [block for block in build_factorial(STUDY, evidence(additive)) if isinstance(block, Figure)]
    assert "main effect of ReLU +4.00" in figure.alt


def test_half_a_factorial_of_another_metric_shows_the_effects_that_it_estimates():
    """Half of the arms of three switches, claimed to lower the loss: -0.4 nats by ReLU, -0.2 by depth."""
    half = Study("?", name="mine", **half_fraction(SWITCHES, margin=0.1, metric="test/loss", direction="lower"))
    data = evidence(lambda on: 5 - 10 * additive(on), study=half, metric="test/loss")
    (effects,) = tables(build_factorial(half, data)).values()  # interactions are confounded with main effects
    assert effects.caption == "mine: nats of test loss"
    assert [column.label for column in effects.columns] == ["Factor", "Main effect"]
    sizes = {"ReLU": -0.4, "depth": -0.2, "LRN": 0}
    assert numbers(effects) == {name: [pytest.approx(size, abs=0.01)] for name, size in sizes.items()}
    table = tabulate_combined(half, data.results)
    assert [row[-1].sort for row in table.rows] == [pytest.approx(x, abs=0.01) for x in (-0.6, -0.4, -0.2, 0.0)]
    assert table.columns[-1].label == "Test loss"
