"""Metrics of arms against a number: positions, figure, laws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fabricate import activations, setting, write

from ablations import Scale
from reports import evidence
from reports.rendering.blocks import Figure, Heading, Table
from reports.sections import scaling

SHARES = np.array([5.0, 10, 25, 50, 100])
LOGARITHM, POWER = scaling.LAWS


@pytest.fixture
def build_blocks(tmp_path):
    """Return a function that builds the blocks of a study with a scale, from fabricated records."""

    def show(scale):
        study = dataclasses.replace(activations(), scale=scale)
        write(tmp_path, [study], setting())
        return scaling.build_scaling(study, evidence.gather(tmp_path, [study], setting()).for_study(study))

    return show


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


def test_arms_are_drawn_where_they_lie_and_laws_only_on_a_logarithmic_scale(build_blocks):
    scale = Scale("Layers", {"deep": {"relu": 8, "tanh": 4}, "shallow": {"sigmoid": 2}})
    heading, figure = build_blocks(scale)
    assert heading == Heading("By layers", 3)
    assert isinstance(figure, Figure)
    assert "deep 4: " in figure.alt and "shallow 2: " in figure.alt
    assert isinstance(build_blocks(dataclasses.replace(scale, log=True))[-1], Table)


def test_a_metric_can_set_the_position_of_an_arm(build_blocks):
    _, figure = build_blocks(
        Scale("Exact zeros, %", {"all": {"relu": "sparsity/zeros/mean", "tanh": "sparsity/zeros/mean"}})
    )
    assert figure.alt.count("all ") == 2


def test_too_few_numbers_have_no_law(build_blocks):
    table = build_blocks(Scale("Layers", {"deep": {"relu": 8, "tanh": 4}}, log=True))[-1]
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
