import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from reports.statistics import multiple_testing


def test_holm_multiplies_by_the_hypotheses_that_are_left():
    assert multiple_testing.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert multiple_testing.holm([]) == []


@settings(max_examples=5, deadline=None)  # each call of multipletests collects garbage: half a second in a whole suite
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    assert multiple_testing.holm(p_values) == pytest.approx(list(expected), abs=1e-12)


def part(p_value, way=1, key=None):
    """A test of its own trials, unless it has a key."""
    return multiple_testing.PartTest(key or (p_value, way), p_value, way)


def test_a_single_claim_is_supported_by_its_largest_p_and_refuted_by_its_smallest_times_the_parts():
    assert multiple_testing.correct_family([[part(0.01), part(0.04)]]) == [[0.01, 0.04]]
    assert multiple_testing.correct_family([[part(0.01), part(0.02, -1)]]) == [[0.01, 0.04]]
    assert multiple_testing.correct_family([[part(0.01), part(0.02, 0)]]) == [[0.01, 0.04]]


def test_holm_runs_over_claims_by_the_smaller_of_both_p_values():
    """Three claims with p .02 (largest of two), .06 (three times .02, against) and .004: factors 2, 1 and 3."""
    supported = [part(0.001), part(0.02)]
    refuted = [part(0.001, key="x"), part(0.02, -1), part(0.5)]
    single = [part(0.004)]
    corrected = multiple_testing.correct_family([supported, refuted, single])
    assert corrected[0] == pytest.approx([0.002, 0.04])
    assert corrected[1] == pytest.approx([0.001, 0.06, 0.5])
    assert corrected[2] == pytest.approx([0.012])


def test_a_later_claim_has_at_least_the_corrected_p_of_an_earlier_one():
    """Holm's step-down: .01 times 3 is .03, so .011 has .03 too, not .022."""
    corrected = multiple_testing.correct_family([[part(0.01)], [part(0.011)], [part(0.9)]])
    assert [p for (p,) in corrected] == pytest.approx([0.03, 0.03, 0.9])


def test_claims_of_the_same_tests_count_once():
    family = [[part(0.01, key="a")], [part(0.01, key="a")], [part(0.5, key="b")]]
    assert [p for (p,) in multiple_testing.correct_family(family)] == pytest.approx([0.02, 0.02, 0.5])


def test_a_part_without_a_test_leaves_its_claim_without_support():
    """The claim's p is 1, as is that of a claim without any test: both take their places in the family."""
    corrected = multiple_testing.correct_family([[part(0.001), part(None)], [part(0.01)], [part(None)]])
    assert corrected == [[0.002, None], [0.03], [None]]


@given(
    st.lists(st.lists(st.tuples(st.floats(1e-6, 1), st.sampled_from((1, -1, 0))), min_size=1, max_size=3), max_size=5)
)
def test_verdicts_by_corrected_p_are_those_of_holms_procedure(family):
    """Independent: Holm's adjusted p of each claim, by the definition of its p."""
    claims = [[part(p, way, key=(c, n)) for n, (p, way) in enumerate(parts)] for c, parts in enumerate(family)]
    p_by_claim = []
    for parts in family:
        directed = [(p, way) for p, way in parts if way]
        support = max(p for p, _ in directed) if directed and all(way == 1 for _, way in directed) else 1
        against = [p for p, way in parts if way != 1]
        p_by_claim.append(min(support, len(parts) * min(against, default=1), 1))
    adjusted = multiple_testing.holm(p_by_claim)
    for parts, corrected, p_claim in zip(family, multiple_testing.correct_family(claims), adjusted, strict=True):
        directed = [(p, way) for p, way in zip(corrected, (way for _, way in parts), strict=True) if way]
        is_supported = bool(directed) and all(way == 1 and p <= 0.05 for p, way in directed)
        is_refuted = any(p <= 0.05 for p, (_, way) in zip(corrected, parts, strict=True) if way != 1)
        assert (is_supported or is_refuted) == (p_claim <= 0.05)
