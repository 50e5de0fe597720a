"""The arms of a report for MLflow: means, bounds and curves by hand; levels, times, figures and verdicts."""

import copy

import fabricate
import pytest

from bench.tracking.arm_run import CONTROL, FURTHER, STATED
from reports.arm_runs import build_arms, describe_setting
from reports.document import build_document
from reports.evidence import gather

STUDIES = (fabricate.activations(), fabricate.sizes())


def simplify(record):
    """Give a tanh trial of seed s the test accuracy 0.5 + s / 10, and times 100 s apart from those of other seeds."""
    job = record["job"]
    if record["kind"] != "trial" or job["model"]["activation"] != "tanh":
        return {}
    seed, points = job["seed"], copy.deepcopy(record["points"])
    points[-1]["metrics"]["test/accuracy"] = 0.5 + seed / 10
    points[0]["metrics"]["train/accuracy"] = (0.1, 0.1, 0.4)[seed]
    points[-1]["metrics"]["train/accuracy"] = 0.9
    if seed == 2:
        del points[-1]["metrics"]["gap/accuracy"]
    return {"points": points, "started": 1000.0 + 100 * seed, "ended": 1050.0 + 100 * seed}


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    fabricate.write(out, STUDIES, fabricate.setting())
    fabricate.amend(out, simplify)
    evidence = gather(out, STUDIES, fabricate.setting())
    return build_arms(evidence, build_document(evidence))


@pytest.fixture(scope="module")
def study(arms):
    return arms.studies[0]


@pytest.fixture(scope="module")
def tanh(study):
    return next(arm for arm in study.arms if arm.arm == "tanh")


def points_of(arm, metric):
    return [(value, epoch) for name, value, epoch in arm.points if name == metric]


def test_a_metric_is_its_mean_over_seeds_with_the_bounds_of_its_t_interval(tanh):
    """Mean 0.6, standard error 0.1 / sqrt(3), times 4.302653, the 97.5 % quantile of t with 2 degrees of freedom."""
    assert points_of(tanh, "test/accuracy") == [(0.6, 0)]
    assert points_of(tanh, "test/accuracy low") == [(0.351586, 0)]
    assert points_of(tanh, "test/accuracy high") == [(0.848414, 0)]
    assert points_of(tanh, "seeds") == [(3, 0)]


def test_a_curve_is_the_mean_by_epoch_and_ends_with_the_mean(tanh):
    curve = points_of(tanh, "train/accuracy")
    assert (curve[0], curve[-1]) == ((0.2, 0), (0.9, 20))
    assert [epoch for _, epoch in curve] == list(range(0, 21, 2))


def test_values_without_spread_have_no_bounds(tanh):
    assert not points_of(tanh, "train/accuracy low") and not points_of(tanh, "train/accuracy high")


def test_a_metric_with_another_number_of_values_says_so(tanh):
    assert points_of(tanh, "gap/accuracy values") == [(2, 0)]
    assert points_of(tanh, "time/step_ms values") == [(5, 0)]  # rounds
    assert not points_of(tanh, "test/accuracy values")


def test_the_metrics_of_claims_come_first(study, tanh):
    assert study.metrics == ("test/accuracy", "gap/accuracy", "time/step_ms", "train/accuracy")
    names = [name for name, _, _ in tanh.points]
    assert names[0] == "test/accuracy" and names.index("time/step_ms") < names.index("sparsity/zeros/mean")
    assert study.curves == ("train/accuracy", "validation/accuracy")


def test_counts_are_whole_numbers(arms):
    wide, narrow = arms.studies[1].arms
    ((parameters, _),) = points_of(wide, "parameters/total")
    assert parameters == fabricate.network(fabricate.ModelConfig())["parameters"] and parameters.is_integer()
    assert points_of(wide, "seeds") == [(0, 0)] and not points_of(wide, "parameters/total values")
    assert (wide.role, narrow.role, wide.trials) == (STATED, FURTHER, ())


def test_an_arm_has_the_levels_trials_and_times_of_its_records(study, tanh):
    assert (tanh.levels["activation"], tanh.levels["dropout"], tanh.levels["epochs"]) == ("tanh", "0", "20")
    assert len(tanh.trials) == 3
    assert tanh.ended_s == 1_790_000_065.0  # of the timing of its steps
    assert tanh.started_s == 1000.0
    assert study.factors == ("activation", "dropout")


def test_arms_are_stated_further_or_controls(study):
    roles = {arm.arm: arm.role for arm in study.arms}
    assert roles == {name: STATED for name in ("relu", "tanh", "sigmoid")} | {
        name: CONTROL for name in ("again", "shuffled labels")
    }


def test_an_arm_says_what_it_is(study):
    remarks = {arm.arm: " ".join(arm.remarks) for arm in study.arms}
    assert remarks["relu"] == "The study's baseline."
    assert remarks["sigmoid"].startswith("Sets activation = sigmoid, dropout = 0.5; the study's baseline is relu.")
    assert remarks["again"].startswith("Control: the baseline, relu, again under other seeds.")


def test_figures_are_those_of_the_studys_chapter(study):
    assert list(study.figures) == ["1 paired differences from relu.svg", "2 learning curves.svg"]
    assert all(figure.startswith("<svg ") and "xmlns=" in figure for figure in study.figures.values())


def test_results_are_the_verdicts_of_the_report(study):
    names = [(result.claim, result.verdict) for result in study.results]
    assert [name for name, _ in names] == ["relu-better", "relu-gap", "relu-step"]
    assert study.results[2].sentence.startswith("A step with ReLU is cheaper (")


def test_a_setting_names_what_all_arms_share(arms):
    assert arms.setting == describe_setting(fabricate.setting()) == "quick, cpu, float32"
    assert (arms.data["name"], arms.data["digest"]) == ("digits (scikit-learn)", "0123456789abcdef")


def test_a_study_without_results_has_no_arms(tmp_path):
    evidence = gather(tmp_path, STUDIES, fabricate.setting())
    assert build_arms(evidence, build_document(evidence)).studies == ()
