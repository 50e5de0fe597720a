import math
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.metrics import memory
from bench.metrics.accuracy import evaluate
from bench.metrics.gradients import gradient_flow
from bench.metrics.sparsity import layer_sums, sparsity, watch_activations
from bench.metrics.speed import steps_to_error
from bench.models.alexnet import build
from bench.runner.backends.local import WORKER_ENVIRONMENT
from bench.spec.config import ModelConfig
from bench.system.process_group import SINGLE

SMALL = ModelConfig(width=0.05)


def measured(output):
    """The numbers of one batch."""
    return {
        name.split("/")[1]: value
        for name, value in sparsity({"conv1": layer_sums(output)}, SINGLE).items()
        if name.endswith("conv1")
    }


# Two images, four units: (3, 0, 4, 0) has L1 = 7 and L2 = 5; (0, 0, 2, 0) has one unit at work.
FLAT = torch.tensor([[3.0, 0.0, 4.0, 0.0], [0.0, 0.0, 2.0, 0.0]])


def test_sparsity_of_fully_connected_units_by_hand():
    assert measured(FLAT) == {
        "zeros": (2 / 4 + 3 / 4) / 2,
        "hoyer": pytest.approx(((2 - 7 / 5) / (2 - 1) + 1) / 2),
        "treves_rolls": pytest.approx(((1 - (7 / 4) ** 2 / (25 / 4)) + (1 - (2 / 4) ** 2 / (4 / 4))) / 2),
        "dead": 2 / 4,
    }


# One image, two channels of 1x2: the first (3, 4), the second (0, 0).
MAPS = torch.tensor([[[[3.0, 4.0]], [[0.0, 0.0]]]])


def test_sparsity_of_maps_by_hand():
    """All places of all channels count as units, but a channel is dead only if it is so everywhere."""
    assert measured(MAPS) == {
        "zeros": 0.5,
        "hoyer": pytest.approx(2 - 7 / 5),
        "treves_rolls": pytest.approx(1 - 49 / 100),
        "dead": 0.5,
    }


def test_memory_format_does_not_matter():
    output = torch.randn(5, 6, 3, 4, generator=torch.Generator().manual_seed(0)).relu()
    output[:, 2] = 0
    first, last = measured(output), measured(output.contiguous(memory_format=torch.channels_last))
    assert first == pytest.approx(last)
    assert first["dead"] == pytest.approx(1 / 6)
    assert first["zeros"] == pytest.approx((output == 0).double().mean().item())


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
    last=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_shape_of_maps_is_the_plain_formula(shape, last, seed):
    output = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).relu()
    expected = {"zeros": 0.0, "hoyer": 0.0, "treves_rolls": 0.0}
    for image in output.flatten(1).double():
        n, l1, l2 = len(image), image.abs().sum().item(), image.square().sum().sqrt().item()
        expected["zeros"] += (image == 0).double().mean().item()
        expected["hoyer"] += 0.0 if n == 1 else (math.sqrt(n) - (l1 / l2 if l2 else 1)) / (math.sqrt(n) - 1)
        expected["treves_rolls"] += 1 - (l1**2 / l2**2 if l2 else 1) / n
    found = measured(output.contiguous(memory_format=torch.channels_last) if last else output)
    assert found.pop("dead") == pytest.approx((output == 0).flatten(2).all(2).all(0).double().mean().item())
    assert found == pytest.approx({name: total / len(output) for name, total in expected.items()}, abs=1e-5)


@pytest.mark.parametrize("level", [1.0, -1.0, 0.5])
def test_units_that_are_all_equally_active_are_not_sparse_at_all(level):
    assert measured(torch.full((3, 9), level)) == pytest.approx(
        {"zeros": 0, "hoyer": 0, "treves_rolls": 0, "dead": 0}, abs=1e-6
    )


def test_a_layer_that_is_silent_is_as_sparse_as_one_unit_at_work():
    silent, one = measured(torch.zeros(2, 16)), measured(torch.eye(16)[:2] * 3)
    assert (silent["hoyer"], silent["treves_rolls"]) == (one["hoyer"], one["treves_rolls"]) == (1, 1 - 1 / 16)
    assert (silent["zeros"], silent["dead"]) == (1, 1)


def test_hoyer_and_treves_rolls_do_not_depend_on_scale():
    output = torch.rand(3, 10, generator=torch.Generator().manual_seed(0))
    for name in ("hoyer", "treves_rolls"):
        assert measured(output * 100)[name] == pytest.approx(measured(output)[name])


def test_sums_over_batches_are_those_of_one_pass():
    network = build(SMALL, 0).eval()
    images = torch.rand(30, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad(), watch_activations(network) as whole:
        network(images)
    with torch.no_grad(), watch_activations(network) as parts:
        for batch in images.split([7, 1, 22]):
            network(batch)
    assert sparsity(parts, SINGLE) == pytest.approx(sparsity(whole, SINGLE), abs=1e-6)
    assert list(whole) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]


def test_the_mean_is_over_layers():
    network = build(SMALL, 0).eval()
    with torch.no_grad(), watch_activations(network) as seen:
        network(torch.rand(4, 3, 32, 32))
    metrics = sparsity(seen, SINGLE)
    for measure in ("zeros", "hoyer", "treves_rolls", "dead"):
        layers = [metrics[f"sparsity/{measure}/{layer}"] for layer in seen]
        assert len(layers) == 7
        assert metrics[f"sparsity/{measure}/mean"] == pytest.approx(sum(layers) / 7)


def test_watching_sees_the_activation_and_not_what_is_pooled_from_it():
    network = build(SMALL, 0).eval()
    images = torch.rand(4, 3, 32, 32)
    with torch.no_grad(), watch_activations(network) as seen:
        network(images)
        before_pooling = network.layers[:2](images)
    assert sparsity(seen, SINGLE)["sparsity/zeros/conv1"] == pytest.approx((before_pooling == 0).double().mean().item())


def test_nothing_is_watched_any_more_afterwards():
    network = build(SMALL, 0).eval()
    with pytest.raises(RuntimeError, match="on purpose"), watch_activations(network) as seen:
        raise RuntimeError("on purpose")
    network(torch.rand(1, 3, 32, 32))
    assert not seen
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_smooth_activations_are_never_zero(activation):
    network = build(ModelConfig(width=0.05, activation=activation), 0).eval()
    with torch.no_grad(), watch_activations(network) as seen:
        network(torch.rand(4, 3, 32, 32))
    assert sparsity(seen, SINGLE)["sparsity/zeros/mean"] == sparsity(seen, SINGLE)["sparsity/dead/mean"] == 0


# Evaluation


@pytest.mark.parametrize("layout, side", [("document", 40), ("zhang", 32)])
@pytest.mark.parametrize("count", [1, 250, 613])
def test_evaluation_is_a_plain_loop_over_the_centres(layout, side, count):
    network = build(ModelConfig(layout=layout, width=0.05, normalisation="batch"), 0)
    numbers = torch.Generator().manual_seed(1)
    canvas = torch.randint(0, 256, (count, side, side, 3), generator=numbers).to(torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=numbers)
    accuracy, loss = evaluate(network, ResidentImages(canvas, labels))
    right, losses = 0, 0.0
    network.eval()
    with torch.no_grad():
        for images, truth in zip(canvas.split(100), labels.split(100), strict=True):
            for logits, label in zip(network(centre(images, network.layout.size)).double(), truth, strict=True):
                right += int(logits.argmax() == label)
                losses -= logits.log_softmax(0)[label].item()
    assert accuracy == right / count
    assert loss == pytest.approx(losses / count, rel=1e-5)


def test_evaluation_leaves_the_network_in_training_and_its_statistics_alone():
    network = build(ModelConfig(width=0.05, normalisation="batch"), 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(network, ResidentImages(torch.zeros(3, 40, 40, 3, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Fixed(nn.Module):
    """Says the logits that it was given."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits
        self.layout = build(SMALL, 0).layout

    def forward(self, images):
        return self.logits[: len(images)]


def test_accuracy_and_cross_entropy_by_hand():
    logits = torch.tensor([[math.log(3), 0.0], [math.log(3), 0.0], [0.0, 0.0], [0.0, math.log(7)]])
    canvas = torch.zeros(4, 40, 40, 3, dtype=torch.uint8)
    accuracy, loss = evaluate(Fixed(logits), ResidentImages(canvas, torch.tensor([0, 1, 0, 1])))
    assert accuracy == 3 / 4
    assert loss == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4) + math.log(1 / 2) + math.log(7 / 8)) / 4)


# Steps to an error


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
    found = steps_to_error(curve, error)
    reached = [step for step, accuracy in curve if accuracy >= 1 - error]
    if not reached:
        assert found is None
    else:
        assert max(0, reached[0] - 100) <= found <= reached[0]


# Memory


def free_memory_is_kept():
    """In a process of its own, with a worker's environment: megabytes before, with and after a large tensor."""
    before = memory.reset_peak_memory("cpu") and memory.peak_memory_mb("cpu")
    large = torch.ones(25_000_000)
    peak = memory.peak_memory_mb("cpu")
    del large
    return before, peak, memory.reset_peak_memory("cpu") and memory.peak_memory_mb("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak is not known")
def test_a_trials_peak_memory_holds_nothing_of_the_trial_before(monkeypatch):
    for name, value in WORKER_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        before, peak, after = pool.submit(free_memory_is_kept).result()
    assert peak > before + 90
    assert after < before + 20


def test_peak_memory_grows_with_what_is_allocated_and_can_be_reset():
    memory.reset_peak_memory("cpu")
    before = memory.peak_memory_mb("cpu")
    if before is None:
        pytest.skip("this system does not tell")
    block = torch.ones(20_000_000)
    assert memory.peak_memory_mb("cpu") >= before + 0.9 * block.nbytes / 1e6


def test_gradient_flow_is_the_gradients_norm_over_the_weights_norm_layer_by_layer():
    network = build(SMALL, 0)
    network(torch.randn(3, 3, 32, 32)).square().sum().backward()
    weights = {name: network.layers.get_submodule(name).weight for name in network.gains}
    expected = {
        f"gradient/norm_ratio/{name}": pytest.approx((w.grad.double().norm() / w.double().norm()).item(), rel=1e-5)
        for name, w in weights.items()
    }
    assert gradient_flow(network) == expected
    assert list(gradient_flow(network)) == list(expected)
