import pytest
import torch

from bench.metrics.gradients import gradient_flow
from bench.models.network import build
from bench.spec.config import ModelConfig


def test_gradient_flow_is_the_gradients_norm_over_the_weights_norm_layer_by_layer():
    network = build(ModelConfig(width=0.05), 0)
    network(torch.randn(3, 3, 32, 32)).square().sum().backward()
    weights = {name: network.module.layers.get_submodule(name).weight for name in network.module.gains}
    expected = {
        f"gradient/norm_ratio/{name}": pytest.approx((w.grad.double().norm() / w.double().norm()).item(), rel=1e-5)
        for name, w in weights.items()
    }
    assert gradient_flow(network) == expected
    assert list(gradient_flow(network)) == list(expected)
