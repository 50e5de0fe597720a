import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from reports.statistics import multiple_testing


def test_holm_multiplies_by_the_hypotheses_that_are_left():
    assert multiple_testing.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert multiple_testing.holm([]) == []


@settings(max_examples=10, deadline=None)  # each call of multipletests collects garbage: half a second in a whole suite
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    assert multiple_testing.holm(p_values) == pytest.approx(list(expected), abs=1e-12)
