"""Metrics of arms against a number: positions, figure, laws."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
from fabricate import activations, setting, write

from ablations import Scale
from reports import evidence
from reports.rendering.blocks import Figure, Table
from reports.sections import scaling

SHARES = np.array([5.0, 10, 25, 50, 100])
LOGARITHM, POWER = scaling.LAWS


@pytest.fixture
def build_blocks(tmp_path):
    """Return a function that draws the figure of a study with a scale, from fabricated records."""
    return partial(_build, scaling.build_scaling, tmp_path)


@pytest.fixture
def build_laws(tmp_path):
    """Return a function that tabulates the laws of a study with a scale, from fabricated records."""
    return partial(_build, scaling.tabulate_laws, tmp_path)


def _build(build, folder, scale):
    study = dataclasses.replace(activations(), scale=scale)
    write(folder, [study], setting())
    return build(study, evidence.gather(folder, [study], setting()).for_study(study))


@pytest.mark.parametrize(
    "law, other, accuracies",
    [(LOGARITHM, POWER, 0.2 + 0.1 * np.log(SHARES)), (POWER, LOGARITHM, 1 - 0.9 * SHARES**-0.2)],
    ids=["logarithm", "power"],
)
def test_a_true_law_is_recovered_and_predicts_the_largest_number(law, other, accuracies):
    np.testing.assert_allclose(scaling.fit_law(law, SHARES, accuracies)(SHARES), accuracies, atol=1e-6)
    np.testing.assert_allclose(
        scaling.fit_law(law, SHARES[:-1], accuracies[:-1])(SHARES[-1:]), accuracies[-1:], atol=1e-6
    )
    assert np.abs(scaling.fit_law(other, SHARES, accuracies)(SHARES) - accuracies).max() > 1e-3


def test_the_straight_line_in_the_logarithm_is_numpys():
    accuracies = np.array([0.3, 0.37, 0.44, 0.5, 0.58])
    slope, start = np.polyfit(np.log(SHARES), accuracies, 1)
    np.testing.assert_allclose(scaling.fit_law(LOGARITHM, SHARES, accuracies)(SHARES), start + slope * np.log(SHARES))


def test_arms_are_drawn_where_they_lie_and_laws_only_on_a_logarithmic_scale(build_blocks, build_laws):
    scale = Scale("Layers", {"deep": {"relu": 8, "tanh": 4}, "shallow": {"sigmoid": 2}})
    (figure,) = build_blocks(scale)
    assert isinstance(figure, Figure) and figure.caption.startswith("activations by layers: ")
    assert "deep 4: " in figure.alt and "shallow 2: " in figure.alt
    assert build_laws(scale) == []
    (table,) = build_laws(dataclasses.replace(scale, log=True))
    assert isinstance(table, Table)


def test_a_metric_can_set_the_position_of_an_arm(build_blocks):
    (figure,) = build_blocks(
        Scale("Exact zeros, %", {"all": {"relu": "sparsity/zeros/mean", "tanh": "sparsity/zeros/mean"}})
    )
    assert figure.alt.count("all ") == 2


def test_too_few_numbers_have_no_law(build_laws):
    (table,) = build_laws(Scale("Layers", {"deep": {"relu": 8, "tanh": 4}}, log=True))
    assert {cell.text for row in table.rows for cell in row[1:]} == {"\N{EN DASH}"}


@pytest.mark.parametrize("x, y", [(SHARES, np.array([0.2, 0.4, 0.6, 0.8, 1.0])), (SHARES - 5, SHARES / 200)])
def test_numbers_without_a_logarithm_have_no_law(x, y):
    for law in scaling.LAWS:
        assert {cell.text for cell in scaling._law_cells(law, x, y)} == {"\N{EN DASH}"}


def test_a_study_without_a_scale_or_without_numbers_shows_nothing(build_blocks, tmp_path):
    assert build_blocks(None) == []
    assert build_blocks(Scale("Layers", {"deep": {"relu": 8}}, metrics=("nowhere/recorded",))) == []
    study = dataclasses.replace(activations(), scale=Scale("Layers", {"deep": {"relu": 8}}))
    assert scaling.build_scaling(study, evidence.gather(tmp_path / "empty", [study], setting()).for_study(study)) == []
