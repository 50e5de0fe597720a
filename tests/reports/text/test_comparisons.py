from ablations import Contrast, Exact
from reports.text.comparisons import claimed_effect, claimed_range, describe_part, part_unit
from reports.text.formatting import MINUS, TIMES


def test_the_judged_value_has_the_unit_of_a_ratio_a_difference_or_a_level():
    assert part_unit(Contrast("test/accuracy", "a", "b", 1)) == "points"
    assert part_unit(Contrast("test/accuracy", "a", "b", 1.1, ratio=True)) == TIMES
    assert part_unit(Exact("macs/conv_share", "a", 0.9, 1)) == "%"
    assert part_unit(Exact("macs/total", "a", 0.9, 1, "b")) == TIMES


def test_a_comparison_names_its_reference_and_a_constant_has_its_unit():
    assert describe_part(Contrast("test/accuracy", "LRN", "none", 0.5)) == "test accuracy, LRN against none"
    assert describe_part(Contrast("sparsity/zeros/mean", "relu", 0.5, 5)) == "exact zeros, mean, relu against 50 %"
    assert describe_part(Exact("parameters/total", "torchvision", 1, 2)) == "parameters, total, torchvision"


def test_the_requirement_is_worded_like_the_rule():
    assert claimed_effect(Contrast("test/accuracy", "a", "b", 0.5)) == "at least +0.5"
    assert claimed_effect(Contrast("test/accuracy", "a", "b", 2, "lower")) == f"at most {MINUS}2"
    assert claimed_effect(Contrast("test/accuracy", "a", 0.1, 5, "equal")) == "within ±5"
    assert claimed_effect(Contrast("time/step_ms", "a", "b", 1.05, "lower", ratio=True)) == f"at most {TIMES}1/1.05"
    assert claimed_range(Exact("macs/conv_share", "a", 0.945, 0.955)) == "94.5 to below 95.5 %"
    assert claimed_range(Exact("parameters/conv1", "a", 0, 1.0, "b")) == f"below {TIMES}1"
