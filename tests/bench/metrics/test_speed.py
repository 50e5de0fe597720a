import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.speed import step_speed, steps_to_error


def test_speed_by_hand():
    assert step_speed([10.0, 20.0, 30.0], 60) == {
        "speed/images_per_second": pytest.approx(3_000),
        "speed/step_ms_p50": pytest.approx(20),
        "speed/step_ms_p95": pytest.approx(29),
    }


@pytest.mark.parametrize(
    "curve, steps",
    [
        ([(0, 0.1), (100, 0.5), (200, 1.0)], 150.0),
        ([(0, 0.1), (100, 0.75)], 100.0),
        ([(0, 0.8), (100, 0.9)], 0.0),
        ([(10, 0.75), (100, 0.9)], 10.0),
        ([(0, 0.1), (100, 0.7), (200, 0.6), (300, 0.9)], 250.0),
        ([(0, 0.1), (100, 0.8), (200, 0.2)], 100 * 0.65 / 0.7),
        ([(0, 0.1), (100, 0.7), (200, 0.74)], None),
        ([(0, 0.1)], None),
    ],
)
def test_steps_to_a_training_error_of_a_quarter(curve, steps):
    assert steps_to_error(curve, 0.25) == (None if steps is None else pytest.approx(steps))


@settings(deadline=None)
@given(
    accuracies=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    error=st.floats(0, 1),
)
def test_steps_to_an_error_lie_where_the_curve_first_reaches_it(accuracies, error):
    curve = [(100 * n, accuracy) for n, accuracy in enumerate(accuracies)]
    steps = steps_to_error(curve, error)
    reached = [step for step, accuracy in curve if accuracy >= 1 - error]
    if not reached:
        assert steps is None
    else:
        assert max(0, reached[0] - 100) <= steps <= reached[0]
