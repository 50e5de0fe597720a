import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.registry import METRICS
from bench.metrics.sparsity import layer_sums, sparsity, watch_activations
from bench.models.network import build
from bench.spec.config import ModelConfig
from bench.system.process_group import SINGLE

SMALL = ModelConfig(width=0.05)


def measured(output):
    """Return the sparsity metrics of one batch."""
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
        "active": 3 / 4,  # of two units that are alive, on two images
    }


# One image, two channels of 1x2: the first (3, 4), the second (0, 0).
MAPS = torch.tensor([[[[3.0, 4.0]], [[0.0, 0.0]]]])


def test_sparsity_of_maps_by_hand():
    """All positions of all channels count as units, but a channel is dead only if it is zero everywhere."""
    assert measured(MAPS) == {
        "zeros": 0.5,
        "hoyer": pytest.approx(2 - 7 / 5),
        "treves_rolls": pytest.approx(1 - 49 / 100),
        "dead": 0.5,
        "active": 1.0,
    }


def test_a_unit_that_is_dead_does_not_count_among_the_active_ones():
    """Two images, three channels of 1x2: 3 of 4 activations, 1 of 4, and a dead channel."""
    output = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]], [[0.0, 0.0]]], [[[0.0, 4.0]], [[0.0, 0.0]], [[0.0, 0.0]]]])
    assert measured(output)["active"] == (3 + 1) / (4 + 4)
    assert measured(output)["zeros"] == pytest.approx(8 / 12)


def test_a_layer_whose_units_are_all_dead_has_no_active_share():
    assert measured(torch.zeros(2, 3))["active"] == 0


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
def test_maps_of_any_shape_agree_with_the_formula(shape, last, seed):
    output = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).relu()
    expected = {"zeros": 0.0, "hoyer": 0.0, "treves_rolls": 0.0}
    for image in output.flatten(1).double():
        n, l1, l2 = len(image), image.abs().sum().item(), image.square().sum().sqrt().item()
        expected["zeros"] += (image == 0).double().mean().item()
        expected["hoyer"] += 0.0 if n == 1 else (math.sqrt(n) - (l1 / l2 if l2 else 1)) / (math.sqrt(n) - 1)
        expected["treves_rolls"] += 1 - (l1**2 / l2**2 if l2 else 1) / n
    metrics = measured(output.contiguous(memory_format=torch.channels_last) if last else output)
    alive = output.movedim(1, 0).flatten(1)
    alive = alive[(alive != 0).any(1)]
    assert metrics.pop("active") == pytest.approx((alive != 0).double().mean().item() if len(alive) else 0)
    assert metrics.pop("dead") == pytest.approx((output == 0).flatten(2).all(2).all(0).double().mean().item())
    assert metrics == pytest.approx({name: total / len(output) for name, total in expected.items()}, abs=1e-5)


@pytest.mark.parametrize("level", [1.0, -1.0, 0.5])
def test_units_that_are_all_equally_active_are_not_sparse_at_all(level):
    assert measured(torch.full((3, 9), level)) == pytest.approx(
        {"zeros": 0, "hoyer": 0, "treves_rolls": 0, "dead": 0, "active": 1}, abs=1e-6
    )


def test_a_layer_that_is_silent_is_as_sparse_as_one_unit_at_work():
    silent, single = measured(torch.zeros(2, 16)), measured(torch.eye(16)[:2] * 3)
    assert (silent["hoyer"], silent["treves_rolls"]) == (single["hoyer"], single["treves_rolls"]) == (1, 1 - 1 / 16)
    assert (silent["zeros"], silent["dead"]) == (1, 1)


def test_hoyer_and_treves_rolls_do_not_depend_on_scale():
    output = torch.rand(3, 10, generator=torch.Generator().manual_seed(0))
    for name in ("hoyer", "treves_rolls"):
        assert measured(output * 100)[name] == pytest.approx(measured(output)[name])


def test_sums_over_batches_are_those_of_one_pass():
    network = build(SMALL, 0).eval()
    images = torch.rand(30, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad(), watch_activations(network) as all_sums:
        network(images)
    with torch.no_grad(), watch_activations(network) as parts:
        for batch in images.split([7, 1, 22]):
            network(batch)
    assert sparsity(parts, SINGLE) == pytest.approx(sparsity(all_sums, SINGLE), abs=1e-6)
    assert list(all_sums) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]


def test_the_mean_is_over_layers():
    network = build(SMALL, 0).eval()
    with torch.no_grad(), watch_activations(network) as sums:
        network(torch.rand(4, 3, 32, 32))
    metrics = sparsity(sums, SINGLE)
    for measure in ("zeros", "hoyer", "treves_rolls", "dead", "active"):
        layers = [metrics[f"sparsity/{measure}/{layer}"] for layer in sums]
        assert len(layers) == 7
        assert metrics[f"sparsity/{measure}/mean"] == pytest.approx(sum(layers) / 7)


def test_sparsity_is_measured_before_pooling():
    network = build(SMALL, 0).eval()
    images = torch.rand(4, 3, 32, 32)
    with torch.no_grad(), watch_activations(network) as sums:
        network(images)
        before_pooling = network.module.layers[:2](images)
    assert sparsity(sums, SINGLE)["sparsity/zeros/conv1"] == pytest.approx((before_pooling == 0).double().mean().item())


def test_hooks_are_removed_afterwards():
    network = build(SMALL, 0).eval()
    with pytest.raises(RuntimeError, match="on purpose"), watch_activations(network) as sums:
        raise RuntimeError("on purpose")
    network(torch.rand(1, 3, 32, 32))
    assert not sums
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_smooth_activations_are_never_zero(activation):
    network = build(ModelConfig(width=0.05, activation=activation), 0).eval()
    with torch.no_grad(), watch_activations(network) as sums:
        network(torch.rand(4, 3, 32, 32))
    assert sparsity(sums, SINGLE)["sparsity/zeros/mean"] == sparsity(sums, SINGLE)["sparsity/dead/mean"] == 0


@pytest.mark.parametrize("size", [1e-30, 1e-22, 1e-19, 1e20, 1e30])
def test_squares_beyond_float32_keep_sparsity_in_its_range(size):
    values = measured(torch.tensor([[0.5, 1.0, 0.7, 0.9] * 4, [1.0] + [0.0] * 15]) * size)
    assert all(METRICS[f"sparsity/{name}/{{layer}}"].is_possible(value) for name, value in values.items())


def test_features_of_tokens_are_units():
    """Two images of three tokens with two features: the second is zero everywhere, the first on two tokens of six."""
    tokens = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])
    sums = layer_sums(tokens)
    assert (sums["values"], sums["nonzero"].tolist()) == (6, [4, 0])
