import pytest

from ablations.framework.study import Contrast, Exact
from reports.text.formatting import (
    MINUS,
    TIMES,
    amount,
    around,
    asked,
    heading,
    interval,
    named,
    plain,
    stated,
    unit,
    unit_of,
)


@pytest.mark.parametrize(
    "metric, label, shown, factor",
    [
        ("test/accuracy", "test accuracy", "%", 100),
        ("train/loss", "train loss", "nats", 1),
        ("gap/accuracy", "overfitting gap (train minus test accuracy)", "points", 100),
        ("sparsity/zeros/conv1", "exact zeros, conv1", "%", 100),
        ("sparsity/hoyer/mean", "Hoyer sparsity, mean", "", 1),
        ("macs/conv_share", "conv share of macs", "%", 100),
        ("macs/conv1", "multiply-accumulates, conv1", "MACs", 1),
        ("speed/images_per_second", "images a second", "images/s", 1),
        ("speed/step_ms_p50", "speed, step ms p50", "ms", 1),
        ("speed/steps_to_train_error_25", "steps to 25 % training error", "steps", 1),
        ("time/kernel_ms/16384", "time of the kernel, 16,384 elements", "ms", 1),
        ("new", "new", "", 1),
    ],
)
def test_a_metric_has_a_label_a_unit_and_a_factor(metric, label, shown, factor):
    assert unit(metric) == (label, shown, factor)


@pytest.mark.parametrize(
    "metric, level, difference",
    [("test/accuracy", "%", "points"), ("gap/accuracy", "points", "points"), ("train/loss", "nats", "nats")],
)
def test_a_level_is_in_per_cent_and_a_difference_in_points(metric, level, difference):
    assert (unit(metric).unit, unit(metric).difference) == (level, difference)


def test_what_is_judged_has_the_unit_of_a_ratio_a_difference_or_a_level():
    assert unit_of(Contrast("test/accuracy", "a", "b", 1)) == "points"
    assert unit_of(Contrast("test/accuracy", "a", "b", 1.1, ratio=True)) == TIMES
    assert unit_of(Exact("macs/conv_share", "a", 0.9, 1)) == "%"
    assert unit_of(Exact("macs/total", "a", 0.9, 1, "b")) == TIMES


def test_amounts_read_as_people_write_them():
    assert [amount(1, "points"), amount(1.5, "points"), amount(2, ""), amount(1.25, TIMES)] == [
        "1 point",
        "1.5 points",
        "2",
        f"{TIMES}1.25",
    ]


def test_a_comparison_names_its_reference_and_a_constant_has_its_unit():
    assert named(Contrast("test/accuracy", "LRN", "none", 0.5)) == "test accuracy, LRN against none"
    assert named(Contrast("sparsity/zeros/mean", "relu", 0.5, 5)) == "exact zeros, mean, relu against 50 %"
    assert named(Exact("parameters/total", "torchvision", 1, 2)) == "parameters, total, torchvision"


def test_what_is_asked_reads_as_the_rule_has_it():
    assert asked(Contrast("test/accuracy", "a", "b", 0.5)) == "at least +0.5"
    assert asked(Contrast("test/accuracy", "a", "b", 2, "lower")) == f"at most {MINUS}2"
    assert asked(Contrast("test/accuracy", "a", 0.1, 5, "equal")) == "within ±5"
    assert asked(Contrast("time/step_ms", "a", "b", 1.05, "lower", ratio=True)) == f"at most {TIMES}1/1.05"
    assert stated(Exact("macs/conv_share", "a", 0.945, 0.955)) == "94.5 to below 95.5 %"
    assert stated(Exact("parameters/conv1", "a", 0, 1.0, "b")) == f"below {TIMES}1"


def test_a_unit_that_the_name_holds_is_not_repeated():
    assert heading("speed/images_per_second") == ("Images a second", "")
    assert heading("test/accuracy") == ("Test accuracy", "%")


@pytest.mark.parametrize(
    "mean, half, told",
    [
        (0.5, 0.012, "0.500 ± 0.012"),
        (3.2e-8, 1.1e-9, f"(3.20 ± 0.11) {TIMES} 10⁻⁸"),
        (-4.2e-6, 3e-5, f"({MINUS}0.4 ± 3.0) {TIMES} 10⁻⁵"),
        (0.0, 0.0, "0.0 ± 0.0"),
    ],
)
def test_a_mean_stands_with_as_many_digits_as_its_interval_warrants(mean, half, told):
    assert around(mean, half) == told


def test_what_six_decimals_hold_too_little_of_is_written_by_powers_of_ten():
    assert interval((3e-8, 5e-8)) == f"[3.0, 5.0] {TIMES} 10⁻⁸"
    assert interval((-2e-5, 0.0)) == f"[{MINUS}2.0, 0.0] {TIMES} 10⁻⁵"
    assert plain(3.21e-8) == around(3.21e-8, None) == f"3.21 {TIMES} 10⁻⁸"
    assert plain(-1e-9, signed=True) == f"{MINUS}1 {TIMES} 10⁻⁹"
    assert (plain(0.0), plain(1e-4), plain(5e-324)) == ("0", "0.0001", "0")
