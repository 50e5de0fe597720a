import itertools
import math
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from bench.components.windows import centre
from bench.data.trial_images import load_splits
from bench.metrics.registry import IMAGE_METRICS
from bench.metrics.speed import steps_to_error
from bench.models.network import build
from bench.records import store, validation
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import DOCUMENT_RECIPE, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.training import loop
from bench.training.evaluation import Evaluator
from bench.training.loop import train
from bench.training.state import State, build_optimizer

SMALL = ModelConfig("document", width=1 / 16, dropout=0.5)
BRIEF = TrainConfig(epochs=2, share=0.32, augmentation="both")
TIMED = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


@pytest.fixture
def trial(digits):
    """Make a small trial with these fields of its model, recipe or itself."""

    def make(seed=0, **levels):
        model = {name: level for name, level in levels.items() if hasattr(SMALL, name)}
        recipe = {name: level for name, level in levels.items() if hasattr(BRIEF, name)}
        return Trial(replace(SMALL, **model), replace(BRIEF, **recipe), digits.data, seed)

    return make


@pytest.fixture
def points(digits):
    """Return a function that trains and returns the points without times and memory."""

    def collect(trial):
        trial_points = list(train(trial, build(trial.model, trial.seed), load_splits(trial, digits)))
        for point in trial_points:
            point.pop("time")
            point.pop("step_ms", None)
            point["metrics"] = {name: v for name, v in point["metrics"].items() if name not in TIMED}
        return trial_points

    return collect


@pytest.fixture
def fed(monkeypatch, points):
    """Return a function that trains and returns each batch's image indices and draws."""

    def collect(trial):
        batches, make_step = [], loop.make_step

        def make_recorded_step(*arguments):
            step, memory = make_step(*arguments), arguments[4]

            def recorded():
                batches.append((memory.index.clone(), memory.draws.clone()))
                step()

            return recorded

        with monkeypatch.context() as patch:
            patch.setattr(loop, "make_step", make_recorded_step)
            points(trial)
        return batches

    return collect


def are_equal(batches, other_batches):
    return len(batches) == len(other_batches) and all(
        torch.equal(a, b)
        for batch, other in zip(batches, other_batches, strict=True)
        for a, b in zip(batch, other, strict=True)
    )


def test_a_trial_gives_the_same_points_twice(trial, points):
    assert points(trial()) == points(trial())


def test_another_seed_gives_other_points(trial, points):
    assert points(trial(seed=0)) != points(trial(seed=1))


@pytest.mark.parametrize(
    "switched",
    [
        {"activation": "sigmoid"},
        {"dropout": 0.0},
        {"dropout": 0.9, "dropout_place": "all"},
        {"normalisation": "lrn"},
        {"normalisation": "batch"},
        {"augmentation": "none"},
        {"augmentation": "document"},
        {"activation_penalty": 0.1},
        {"labels": "shuffled"},
    ],
    ids=str,
)
def test_arms_of_one_seed_see_the_same_images_in_the_same_order_with_the_same_draws(trial, fed, switched):
    baseline = fed(trial())
    assert len(baseline) == 4
    assert are_equal(baseline, fed(trial(**switched)))


def test_another_seed_brings_another_order_and_other_draws(trial, fed):
    (order, draws), (other_order, other_draws) = fed(trial(seed=0))[0], fed(trial(seed=1))[0]
    assert not torch.equal(order, other_order)
    assert not torch.equal(draws, other_draws)


def test_every_epoch_has_its_own_order_and_no_image_twice(trial, fed):
    batches = [index for index, _ in fed(trial(batch=65))]
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:])
    assert len(first.unique()) == len(first) == 260
    assert not torch.equal(first, second)


@pytest.mark.parametrize("switched", [{"dropout": 0.0}, {"normalisation": "batch"}, {"normalisation": "lrn"}], ids=str)
def test_arms_of_one_seed_start_from_the_same_weights(trial, switched):
    baseline, switched_network = build(trial().model, 3), build(trial(**switched).model, 3)
    for name in baseline.module.gains:
        weights = (network.module.layers.get_submodule(name).weight for network in (baseline, switched_network))
        assert torch.equal(*weights)


def test_an_activation_scales_the_initial_weights_and_draws_the_same(trial):
    relu, sigmoid = build(trial().model, 3), build(trial(activation="sigmoid").model, 3)
    for name, gain in relu.module.gains.items():
        ratio = sigmoid.module.gains[name] / gain
        torch.testing.assert_close(
            sigmoid.module.layers.get_submodule(name).weight, relu.module.layers.get_submodule(name).weight * ratio
        )


def test_points_come_at_the_start_early_about_ten_times_between_and_at_the_end(trial, points):
    trial_points = points(trial(epochs=30, share=0.08))
    assert [point["epoch"] for point in trial_points] == [0, 1, 3, 5, *range(6, 30, 3), 30]
    assert [point["step"] for point in trial_points] == [
        point["epoch"] for point in trial_points
    ]  # one batch per epoch


def test_only_the_first_and_the_last_point_evaluate_test_images(trial, points):
    first, *middle, last = points(trial(epochs=4))
    assert "test/accuracy" in first["metrics"] and "test/accuracy" in last["metrics"]
    assert len(middle) == 3
    assert not any(name.startswith(("test/", "gap/")) for point in middle for name in point["metrics"])


@pytest.mark.parametrize("epochs", [1, 3, 5, 7])
def test_gradient_metrics_are_recorded_once_for_each_moment(trial, points, epochs):
    gradient_points = [
        (point["epoch"], name.rpartition("/")[2], point["metrics"])
        for point in points(trial(epochs=epochs, share=0.16))
        for name in point["metrics"]
        if name.startswith("gradient/first_to_last/")
    ]
    expected = [(1, "start"), (1, "epoch_1"), *[(5, "epoch_5")] * (epochs >= 5), (epochs, "end")]
    assert sorted((epoch, when) for epoch, when, _ in gradient_points) == sorted(expected)
    for _, when, metrics in gradient_points:
        if when != "start":  # the ratio of the first layer's, conv1, to the last one's, fc8, of the same point
            ratio = metrics["gradient/norm_ratio/conv1"] / metrics["gradient/norm_ratio/fc8"]
            assert metrics[f"gradient/first_to_last/{when}"] == pytest.approx(ratio)


def test_the_gap_is_training_minus_test_accuracy(trial, points):
    for point in (points(trial())[0], points(trial())[-1]):
        metrics = point["metrics"]
        assert metrics["gap/accuracy"] == metrics["train/accuracy"] - metrics["test/accuracy"]


def test_accuracies_are_fractions(trial, points):
    accuracies = [v for point in points(trial()) for name, v in point["metrics"].items() if name.endswith("/accuracy")]
    assert all(-1 <= accuracy <= 1 for accuracy in accuracies)


@pytest.fixture(scope="module")
def learnt(digits):
    """Points of a trial that is long enough to learn."""
    recipe = TrainConfig(epochs=15, learning_rate=3e-3, augmentation="none")
    job = Trial(replace(SMALL, dropout=0.0), recipe, digits.data, 0)
    return list(train(job, build(job.model, 0), load_splits(job, digits)))


def test_a_trial_learns(learnt):
    first, *_, last = learnt
    assert last["metrics"]["test/accuracy"] > 0.5 > first["metrics"]["test/accuracy"]


def test_a_loss_that_is_not_finite_ends_the_trial_and_keeps_what_was_recorded(trial, digits, tmp_path):
    job = trial(learning_rate=100, epochs=10, dropout=0.0, extra=20, schedule="constant")
    store.folder(tmp_path).mkdir()
    assert worker.perform(Task(job, digits, tmp_path, keep_weights=True)) == "diverged"
    record = store.read(tmp_path, job)
    assert record["status"] == "diverged"
    assert "not finite" in record["reason"]
    assert record["points"][0]["epoch"] == 0 and "test/accuracy" in record["points"][0]["metrics"]
    assert all(math.isfinite(v) for point in record["points"] for v in point["metrics"].values())
    assert not store.weights_file(tmp_path, job).exists()
    assert not store.part_file(tmp_path, job).exists()


@pytest.mark.parametrize("learning_rate, status", [(1e-3, "failed"), (100, "diverged")])
def test_an_own_metric_that_is_not_finite_fails_its_trial_unless_the_network_has_diverged(
    trial, digits, tmp_path, monkeypatch, learning_rate, status
):
    name = "broken@0123456789abcdef"
    monkeypatch.setitem(IMAGE_METRICS, name, lambda network, images, labels: labels + math.nan)
    job = trial(learning_rate=learning_rate, epochs=1, dropout=0.0, extra=20, schedule="constant")
    store.folder(tmp_path).mkdir()
    assert worker.perform(Task(replace(job, metrics=(name,)), digits, tmp_path)) == status
    reason = store.read(tmp_path, replace(job, metrics=(name,)))["reason"]
    reasons = {"failed": "metric test/broken is nan of a network whose loss is finite", "diverged": "the loss was not"}
    assert reasons[status] in reason


def test_shuffled_labels_keep_the_size_of_each_class(trial, digits):
    true = load_splits(trial(), digits)
    shuffled = load_splits(trial(labels="shuffled"), digits)
    assert torch.equal(true.train.canvas, shuffled.train.canvas)
    assert torch.equal(true.train.labels.bincount(), shuffled.train.labels.bincount())
    agreement = (true.train.labels == shuffled.train.labels).float().mean()
    assert agreement < 0.3
    for split in ("validation", "test"):
        assert torch.equal(getattr(true, split).labels, getattr(shuffled, split).labels)


def test_shuffled_labels_depend_on_the_seed_alone(trial, digits):
    def labels(**levels):
        return load_splits(trial(labels="shuffled", **levels), digits).train.labels

    assert torch.equal(labels(seed=1), labels(seed=1, activation="tanh", augmentation="none", epochs=5))
    assert not torch.equal(labels(seed=1), labels(seed=2))


def test_every_trial_of_a_process_looks_at_the_same_pixels(trial, digits):
    document, zhang, part = (
        load_splits(trial(**levels), digits) for levels in ({}, {"layout": "zhang"}, {"share": 0.1})
    )
    for split in ("train", "validation", "test"):
        storages = {getattr(s, split).canvas.untyped_storage().data_ptr() for s in (document, zhang, part)}
        assert len(storages) == 1


def test_a_larger_share_holds_the_smaller_one(trial, digits):
    small, large = (load_splits(trial(share=share), digits).train.canvas for share in (0.1, 0.5))
    assert len(small) == 81 and len(large) == 407
    assert torch.equal(small, large[:81])


@pytest.fixture
def rates(monkeypatch, points):
    """Return a function that trains and returns the learning rate of every step."""

    def collect(trial):
        learning_rates = []

        class Adam(torch.optim.Adam):
            def step(self, *arguments):
                learning_rates.append(float(self.param_groups[0]["lr"]))
                return super().step(*arguments)

        monkeypatch.setattr("torch.optim.Adam", Adam)
        points(trial)
        return learning_rates

    return collect


def test_a_constant_schedule_never_changes_the_learning_rate(trial, rates):
    assert rates(trial(schedule="constant", learning_rate=3e-4, epochs=5)) == pytest.approx([3e-4] * 10)


def test_one_cycle_rises_to_the_learning_rate_and_ends_near_nothing(trial, rates):
    learning_rates = rates(trial(schedule="one-cycle", learning_rate=3e-3, epochs=10))
    peak = learning_rates.index(max(learning_rates))
    assert len(learning_rates) == 20
    assert max(learning_rates) == pytest.approx(3e-3, rel=0.05)
    assert 0 < peak < 10
    assert all(a < b for a, b in itertools.pairwise(learning_rates[: peak + 1]))
    assert all(a > b for a, b in itertools.pairwise(learning_rates[peak:]))
    assert learning_rates[-1] < 1e-5


@pytest.mark.parametrize(
    "accuracies, divided",
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [0] * 7),
        (
            [0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2],
            [0, 0, 0, 0, 0, 1, 1],
        ),  # after four epochs without improvement, in the fifth
        ([0.3] * 24, [*[0] * 5, *[1] * 5, *[2] * 5, *[3] * 9]),
    ],
)
def test_where_validation_stalls_the_rate_is_divided_by_ten_three_times_at_most(trial, accuracies, divided):
    job, settled = trial(schedule="plateau", optimiser="sgd", learning_rate=0.01, epochs=len(accuracies)), []
    state = State(job, build(job.model, 0), 2)
    for accuracy in accuracies:
        state.end_step()
        state.end_epoch(accuracy)
        settled.append(float(state.optimizer.param_groups[0]["lr"]))
    assert settled == pytest.approx([0.01 * 0.1**count for count in divided], rel=1e-5)


def test_the_papers_recipe_evaluates_validation_after_every_epoch(trial, digits, monkeypatch):
    accuracies, end_epoch = [], State.end_epoch
    monkeypatch.setattr(State, "end_epoch", lambda self, value: (accuracies.append(value), end_epoch(self, value)))
    job = trial(schedule="plateau", optimiser="sgd", learning_rate=0.01, epochs=3)
    *_, last = train(job, build(job.model, 0), load_splits(job, digits))
    assert len(accuracies) == 3 and accuracies[-1] == last["metrics"]["validation/accuracy"]


def test_sgd_moves_by_momentum_and_decay_as_worked_out_in_numpy(trial):
    network = torch.nn.Linear(3, 1, bias=False)
    rule = build_optimizer(network, trial(optimiser="sgd", learning_rate=0.1, weight_decay=0.5).recipe, "cpu")
    weight, velocity = network.weight.detach().double().numpy().copy(), 0.0
    for step in range(4):
        network.weight.grad = torch.tensor([[1.0, -2.0, 0.5 * step]])
        velocity = 0.9 * velocity + network.weight.grad.double().numpy() + 0.5 * weight
        weight = weight - 0.1 * velocity
        rule.step()
    assert network.weight.detach().numpy() == pytest.approx(weight, rel=1e-5)


def test_the_documents_recipe_runs(digits, points):
    recipe = replace(DOCUMENT_RECIPE, epochs=2, share=0.32)
    assert (recipe.augmentation, recipe.schedule) == ("document", "constant")
    *_, last = points(Trial(SMALL, recipe, digits.data, 0))
    assert last["epoch"] == 2 and math.isfinite(last["metrics"]["test/loss"])


@pytest.mark.parametrize("augmentation", ["none", "mirror", "crop", "resized", "both", "document"])
@pytest.mark.parametrize("layout", ["alexnet-32", "document", "zhang"])
def test_every_augmentation_trains_every_small_layout(trial, points, augmentation, layout):
    *_, last = points(trial(augmentation=augmentation, layout=layout, epochs=1))
    assert math.isfinite(last["metrics"]["test/loss"])


def test_an_activation_penalty_lowers_the_mean_activation(trial, digits):
    def mean_activation(penalty):
        job = trial(activation_penalty=penalty, epochs=10, dropout=0.0, learning_rate=3e-3)
        network, images = build(job.model, 0), load_splits(job, digits)
        list(train(job, network, images))
        network.eval()
        means = []
        network.hook_activations(lambda name, module, output: means.append(output.abs().mean().item()))
        with torch.no_grad():
            network(centre(images.test.canvas, 32))
        return sum(means)

    assert mean_activation(1.0) < 0.5 * mean_activation(0.0)


@pytest.fixture(scope="module")
def stopped(digits):
    """Points of a trial that ends at a training error of 25 %, and the sample that was evaluated after each epoch."""
    recipe = TrainConfig(epochs=15, learning_rate=3e-3, schedule="constant", until_error=0.25)
    job = Trial(replace(SMALL, dropout=0.0), recipe, digits.data, 0)
    samples, is_learnt = [], Evaluator.is_learnt
    with patch.object(Evaluator, "is_learnt", lambda self, sample: samples.append(sample) or is_learnt(self, sample)):
        points = list(train(job, build(job.model, 0), load_splits(job, digits)))
    return points, samples


def test_a_trial_ends_after_the_first_epoch_whose_sample_reaches_its_error(stopped):
    points, samples = stopped
    epochs = [point["epoch"] for point in points]
    assert epochs == list(range(len(epochs))) and 1 < epochs[-1] == len(samples) < 15
    accuracies = [sample["train/accuracy"] for sample in samples]
    assert all(accuracy < 0.75 for accuracy in accuracies[:-1]) and accuracies[-1] >= 0.75
    curve = [(0, points[0]["metrics"]["train/accuracy"])]
    curve += [(point["step"], accuracy) for point, accuracy in zip(points[1:], accuracies, strict=True)]
    steps = points[-1]["metrics"]["speed/steps_to_train_error_25"]
    assert steps == steps_to_error(curve, 0.25)
    assert points[-2]["step"] < steps <= points[-1]["step"]


def test_a_trial_that_ended_at_an_error_has_all_metrics_of_its_end(stopped, learnt):
    points, _ = stopped
    assert points[-1]["metrics"].keys() - learnt[-1]["metrics"].keys() <= {"gradient/first_to_last/epoch_5"}
    assert learnt[-1]["metrics"].keys() <= points[-1]["metrics"].keys()
    for point in points[1:-1]:
        assert not any(name.startswith(("validation/", "test/")) for name in point["metrics"])


def test_a_trial_that_never_reaches_its_error_trains_for_all_epochs_and_records_no_steps(trial, points):
    recorded = points(trial(epochs=3, until_error=0.01))
    assert [point["epoch"] for point in recorded] == [0, 1, 2, 3]
    assert "speed/steps_to_train_error_25" not in recorded[-1]["metrics"]
    assert "validation/accuracy" in recorded[-1]["metrics"]


def test_the_record_of_a_trial_that_ended_early_is_valid(trial, digits, tmp_path):
    job = trial(epochs=5, until_error=1.0)
    store.folder(tmp_path).mkdir()
    assert worker.perform(Task(job, digits, tmp_path)) == "finished"
    record = validation.load_current(store.path(tmp_path, job))
    assert [point["epoch"] for point in record["points"]] == [0, 1]


def test_steps_to_an_error_are_recorded_only_where_it_was_reached(trial, points, learnt):
    name = "speed/steps_to_train_error_25"
    assert name not in points(trial(epochs=1))[-1]["metrics"]
    curve = [(point["step"], point["metrics"]["train/accuracy"]) for point in learnt]
    assert curve[-1][1] > 0.75
    assert learnt[-1]["metrics"][name] == steps_to_error(curve, 0.25)


def test_a_batch_larger_than_the_data_takes_all_of_it(trial, points):
    assert [point["step"] for point in points(trial(batch=100_000))] == [0, 1, 2]
