import pytest

from bench.metrics.table import describe_metric
from reports.text.formatting import (
    MINUS,
    TIMES,
    column_heading,
    format_amount,
    format_interval,
    format_mean,
    format_number,
)


@pytest.mark.parametrize(
    "metric, label, unit, factor",
    [
        ("test/accuracy", "test accuracy", "%", 100),
        ("train/loss", "train loss", "nats", 1),
        ("gap/accuracy", "overfitting gap (train minus test accuracy)", "points", 100),
        ("sparsity/zeros/conv1", "exact zeros, conv1", "%", 100),
        ("sparsity/hoyer/mean", "Hoyer sparsity, mean", "", 1),
        ("macs/conv_share", "conv share of macs", "%", 100),
        ("macs/conv1", "multiply-accumulates, conv1", "MACs", 1),
        ("speed/images_per_second", "images per second", "images/s", 1),
        ("speed/step_ms_p50", "speed, step ms p50", "ms", 1),
        ("speed/steps_to_train_error_25", "steps to 25 % training error", "steps", 1),
        ("time/kernel_ms/16384", "time of the kernel, 16,384 elements", "ms", 1),
        ("new", "new", "", 1),
    ],
)
def test_a_metric_has_a_label_a_unit_and_a_factor(metric, label, unit, factor):
    assert describe_metric(metric)[:3] == (label, unit, factor)


@pytest.mark.parametrize(
    "metric, level, difference",
    [("test/accuracy", "%", "points"), ("gap/accuracy", "points", "points"), ("train/loss", "nats", "nats")],
)
def test_a_level_is_in_per_cent_and_a_difference_in_points(metric, level, difference):
    assert (describe_metric(metric).unit, describe_metric(metric).difference) == (level, difference)


def test_amounts_read_as_people_write_them():
    assert format_amount(1, "points") == "1 point"
    assert format_amount(1.5, "points") == "1.5 points"
    assert format_amount(2, "") == "2"
    assert format_amount(1.25, TIMES) == f"{TIMES}1.25"


def test_a_unit_that_the_name_holds_is_not_repeated():
    assert column_heading("speed/images_per_second") == ("Images per second", "")
    assert column_heading("test/accuracy") == ("Test accuracy", "%")


@pytest.mark.parametrize(
    "mean, half, expected",
    [
        (0.5, 0.012, "0.500 ± 0.012"),
        (3.2e-8, 1.1e-9, f"(3.20 ± 0.11) {TIMES} 10⁻⁸"),
        (-4.2e-6, 3e-5, f"({MINUS}0.4 ± 3.0) {TIMES} 10⁻⁵"),
        (0.0, 0.0, "0.0 ± 0.0"),
    ],
)
def test_a_mean_stands_with_as_many_digits_as_its_interval_warrants(mean, half, expected):
    assert format_mean(mean, half) == expected


def test_numbers_too_small_for_six_decimals_are_written_with_powers_of_ten():
    assert format_interval((3e-8, 5e-8)) == f"[3.0, 5.0] {TIMES} 10⁻⁸"
    assert format_interval((-2e-5, 0.0)) == f"[{MINUS}2.0, 0.0] {TIMES} 10⁻⁵"
    assert format_number(3.21e-8) == format_mean(3.21e-8, None) == f"3.21 {TIMES} 10⁻⁸"
    assert format_number(-1e-9, signed=True) == f"{MINUS}1 {TIMES} 10⁻⁹"
    assert (format_number(0.0), format_number(1e-4), format_number(5e-324)) == ("0", "0.0001", "0")
