import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import splits

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=120).map(np.array)


@settings(deadline=None)
@given(labels=LABELS)
def test_a_stratified_subset_is_as_even_as_possible(labels):
    totals = np.bincount(labels, minlength=5)
    for count in range(1, len(labels) + 1):
        chosen = splits.stratified(labels, count)
        assert len(set(chosen.tolist())) == count
        counts_by_class = np.bincount(labels[chosen], minlength=5)
        unfinished = counts_by_class[counts_by_class < totals]
        assert counts_by_class.max() - unfinished.min(initial=counts_by_class.max()) <= 1


@settings(deadline=None)
@given(labels=LABELS, counts=st.tuples(st.integers(1, 120), st.integers(1, 120)))
def test_stratified_subsets_are_nested_and_always_the_same(labels, counts):
    smaller, larger = sorted(min(count, len(labels)) for count in counts)
    small, large = splits.stratified(labels, smaller), splits.stratified(labels, larger)
    assert np.array_equal(large[:smaller], small)
    assert np.array_equal(splits.stratified(labels.copy(), smaller), small)


def test_a_stratified_subset_is_drawn_from_all_over():
    chosen = splits.stratified(np.repeat(np.arange(10), 100), 100)
    assert (np.bincount(chosen // 100) == 10).all()
    assert len(set((chosen % 100).tolist())) > 40


def test_validation_is_one_in_ten_of_each_class_and_apart_from_train():
    labels = np.repeat(np.arange(10), 500)
    held = splits.held_out(labels)
    assert np.bincount(labels[held]).tolist() == [50] * 10
    assert np.bincount(labels[~held]).tolist() == [450] * 10
    assert np.array_equal(held, splits.held_out(labels.copy()))
    positions = np.flatnonzero(held) % 500
    assert 200 < positions.mean() < 300


def test_validation_of_uneven_classes_is_a_tenth_of_each_and_at_least_one():
    labels = np.array([0] * 100 + [1] * 30 + [2] * 11 + [3] * 2)
    assert np.bincount(labels[splits.held_out(labels)]).tolist() == [10, 3, 1, 1]
