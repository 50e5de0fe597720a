"""Initial weights of networks that study files declare."""

import math
import random
import sys
import warnings

import numpy as np
import pytest
import torch
from small_networks import Residual, declare
from torch import nn

from bench.components.networks import Factor
from bench.models import network
from bench.spec.errors import InputError

FACTORS = {"skip": Factor(True, (True, False)), "extra": Factor(False, (False, True))}


def weights(config, seed=0):
    return network.build(config, seed).module.state_dict()


class Drawn(nn.Module):
    """Weights drawn in several ways."""

    def __init__(self, extra):
        super().__init__()
        self.extra = nn.Linear(7, 7) if extra else None
        self.scaled = nn.Parameter(torch.randn(20, 30) * 0.1)
        self.joined = nn.Parameter(torch.cat([torch.rand(4, 3), torch.randn(4, 3)]))
        self.parts = nn.Parameter(torch.empty(2, 500))
        for row in self.parts:
            nn.init.normal_(row)
        self.truncated = nn.Parameter(nn.init.trunc_normal_(torch.empty(400), std=0.02))
        self.orthogonal = nn.utils.parametrizations.weight_norm(nn.Linear(5, 5))
        nn.init.orthogonal_(self.orthogonal.parametrizations.weight.original1)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16)
        nn.init.zeros_(self.layer.linear2.weight)
        self.register_buffer("order", torch.randperm(50))


def test_arms_share_the_draws_of_every_parameter_whose_name_and_shape_agree():
    first, second = (
        declare(lambda classes, **levels: Residual(classes, **levels), FACTORS, {"skip": True, "extra": extra}.items())
        for extra in (False, True)
    )
    plain, more = weights(first), weights(second)
    assert set(more) - set(plain) == {"extra.0.weight", "extra.0.bias"}
    assert all(torch.equal(plain[name], more[name]) for name in plain)
    other = weights(first, seed=1)
    drawn = [name for name in plain if name.endswith("weight") and "bn" not in name]
    assert not any(torch.equal(plain[name], other[name]) for name in drawn)


def test_weights_drawn_in_any_way_are_shared():
    plain, more = (weights(declare(lambda classes, extra=extra: Drawn(extra))) for extra in (False, True))
    assert len(more) == len(plain) + 2
    assert all(torch.equal(plain[name], more[name]) for name in plain)


def test_distributions_are_what_the_network_asks_for():
    drawn = weights(declare(lambda classes: Drawn(False)))
    assert drawn["scaled"].std().item() == pytest.approx(0.1, rel=0.15)
    assert drawn["parts"].std().item() == pytest.approx(1, rel=0.1)
    assert not torch.equal(*drawn["parts"])
    assert drawn["joined"][:4].min() > 0 > drawn["joined"][4:].min()
    assert drawn["truncated"].std().item() == pytest.approx(0.02, rel=0.15)
    rows = drawn["orthogonal.parametrizations.weight.original1"]
    torch.testing.assert_close(rows @ rows.T, torch.eye(5))
    assert not drawn["layer.linear2.weight"].any()
    assert sorted(drawn["order"].tolist()) == list(range(50))
    linear = weights(declare(lambda classes: nn.Linear(400, 300)))
    bound = 1 / math.sqrt(400)  # torch's own, kaiming_uniform with a = sqrt(5)
    assert 0.99 * bound < linear["weight"].abs().max() <= bound
    assert linear["weight"].std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(linear["weight"][0, :300], linear["bias"])[0, 1]) < 0.3


def test_building_leaves_the_global_generator_as_it_is():
    before = torch.get_rng_state()
    weights(declare(lambda classes: Residual(classes)))
    assert torch.equal(torch.get_rng_state(), before)


def failing(classes):
    return nn.Linear(3, "four")


def _script(module):
    with warnings.catch_warnings(action="ignore"):  # torch.jit is deprecated
        return torch.jit.script(module)


@pytest.mark.parametrize(
    "build, message",
    [
        (failing, r"net cannot be built: TypeError: .* \(test_declared.py, line \d+\)"),
        (lambda classes: classes, "net must return an nn.Module: it returned int"),
        (
            lambda classes: _script(nn.Linear(1, 1)),
            "net holds a module of torch.jit, .*: return it unscripted",
        ),
        (lambda classes: sys.exit("no"), "net cannot be built: SystemExit: no"),
        (lambda classes: nn.LazyLinear(classes), "weight has no size yet: use modules that are not lazy"),
        (lambda classes: nn.Linear(3, 2 + random.randrange(10**9) % 1000), "draws other random numbers when it is bu"),
    ],
)
def test_a_network_that_cannot_be_built_is_one_clear_line(build, message):
    with pytest.raises(InputError, match=message):
        network.build(declare(build), 0)
