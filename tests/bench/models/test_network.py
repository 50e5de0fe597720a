"""The interface of a network, for AlexNet and for declared networks."""

from dataclasses import replace

import pytest
import torch
from small_networks import Residual, declare
from torch import nn

from bench.data.image_sets import ResidentImages
from bench.metrics.accuracy import evaluate
from bench.metrics.gradients import first_to_last, gradient_flow
from bench.metrics.sparsity import sparsity, watch_activations
from bench.models.network import build
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.system.process_group import SINGLE


def activation_names(network, passes=1):
    names = []
    handles = network.hook_activations(lambda name, module, output: names.append(name))
    for _ in range(passes):
        network.eval()(torch.zeros(2, 3, network.size, network.size))
    for handle in handles:
        handle.remove()
    network(torch.zeros(2, 3, network.size, network.size))
    return names


def test_alexnet_keeps_the_names_of_its_layers_and_of_its_stored_weights():
    network = build(ModelConfig("zhang", width=0.05), 0)
    assert activation_names(network) == ["conv1", "conv2", "fc3", "fc4"]
    assert [name for name, _ in network.weights()] == ["conv1", "conv2", "fc3", "fc4", "fc5"]
    assert next(iter(network.module.state_dict())) == "layers.conv1.weight"
    assert network.size == 28


def test_the_second_run_of_a_module_has_a_name_of_its_own_in_every_pass():
    network = build(declare(lambda classes: Residual(classes, extra=True)), 0)
    assert activation_names(network, passes=2) == ["block.relu", "block.relu 2", "extra.1"] * 2


def test_weights_are_the_parameters_with_several_dimensions():
    network = build(declare(Residual), 0)
    assert [name for name, _ in network.weights()] == ["stem", "block.conv1", "block.conv2", "fc"]
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    flow = gradient_flow(network)
    weight = network.module.block.conv2.weight
    expected = (weight.grad.double().norm() / weight.double().norm()).item()
    assert flow["gradient/norm_ratio/block.conv2"] == pytest.approx(expected, rel=1e-5)
    ratio = flow["gradient/norm_ratio/stem"] / flow["gradient/norm_ratio/fc"]
    assert first_to_last(flow, "end") == {"gradient/first_to_last/end": ratio}


def test_activations_can_be_named():
    config = declare(lambda classes: Residual(classes), activations=("stem", "block"))
    assert activation_names(build(config, 0)) == ["stem", "block"]
    unknown = declare(lambda classes: Residual(classes), activations=("stem", "tail"))
    with pytest.raises(InputError, match="net: activations names 'tail', which is no module of it; there are stem, bl"):
        build(unknown, 0)


@pytest.mark.parametrize(
    "build_module", [Residual, lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(192, classes))]
)
def test_a_declared_network_is_evaluated_with_its_sparsity(build_module):
    network, draws = build(declare(build_module), 0), torch.Generator().manual_seed(0)
    canvas = torch.randint(0, 256, (6, 8, 8, 3), dtype=torch.uint8, generator=draws)
    with watch_activations(network) as sums:
        accuracy, _ = evaluate(network, ResidentImages(canvas, torch.zeros(6, dtype=torch.int64)))
    assert 0 <= accuracy <= 1
    metrics = sparsity(sums, SINGLE)
    if not sums:
        assert metrics == {}
        return
    outputs = {}
    network.hook_activations(lambda name, module, output: outputs.update({name: output.clone()}))
    network.eval()(canvas.permute(0, 3, 1, 2).float() / 127.5 - 1)
    for name, output in outputs.items():
        assert metrics[f"sparsity/zeros/{name}"] == pytest.approx((output == 0).double().mean().item(), abs=1e-6)
    zeros = [metrics[f"sparsity/zeros/{name}"] for name in outputs]
    assert metrics["sparsity/zeros/mean"] == pytest.approx(sum(zeros) / 2)


def test_a_component_of_alexnet_changes_no_other_layer():
    plain, switched = (build(replace(ModelConfig("zhang", width=0.05), normalisation=n), 0) for n in ("none", "batch"))
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(plain.weights(), switched.weights(), strict=True))
