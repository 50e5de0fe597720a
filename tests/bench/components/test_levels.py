"""Names without an implementation, of every kind, are refused in one line that lists the valid ones."""

import pytest

from bench.components.levels import LEVELS, check_levels
from bench.components.registry import register
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import list_names

NETWORK = ("layout", "activation", "normalisation", "dropout_place", "kernel", "initial", "inputs")
RECIPE = ("augmentation", "schedule", "optimiser", "loss")


def config(factor, level):
    return ModelConfig(**{factor: level}) if factor in NETWORK else TrainConfig(**{factor: level})


def test_every_factor_with_named_levels_is_checked():
    assert sorted(LEVELS) == sorted((*NETWORK, *RECIPE))


@pytest.mark.parametrize("factor", LEVELS)
def test_an_unknown_level_is_refused_with_the_valid_ones(factor):
    with pytest.raises(InputError) as refusal:
        check_levels(config(factor, "unheard-of"))
    assert str(refusal.value) == f"{factor} is 'unheard-of'; it can be {list_names(LEVELS[factor])}"


@pytest.mark.parametrize("factor, level", [(factor, level) for factor in LEVELS for level in LEVELS[factor]])
def test_every_level_that_is_listed_is_accepted(factor, level):
    check_levels(config(factor, level))


@pytest.mark.parametrize("layer", ["conv1", "conv6", "fc6", "fc9"])
def test_a_layer_that_cannot_be_left_out_is_refused_with_those_that_can(layer):
    with pytest.raises(InputError, match=f"cannot leave out {layer}; it can: conv3, conv4, conv5, fc7"):
        check_levels(ModelConfig(without=(layer,)))


def test_a_layout_of_5x5_convolutions_alone_can_leave_out_no_layer():
    with pytest.raises(InputError, match="layout four-layer cannot leave out fc5; it can: no layer"):
        check_levels(ModelConfig("four-layer", without=("fc5",)))


def test_dropout_needs_a_hidden_layer_at_its_place():
    with pytest.raises(
        InputError, match=r"dropout is 0\.5 at 'fc', and layout four-layer has no hidden fully connected"
    ):
        check_levels(ModelConfig("four-layer", dropout=0.5))
    check_levels(ModelConfig("four-layer", dropout=0.5, dropout_place="conv"))


def test_a_share_of_active_units_needs_an_activation_that_takes_it():
    check_levels(ModelConfig(activation="k-winners", active=0.5))
    with pytest.raises(InputError, match=r"active is 0\.5 beside activation 'relu': only k-winners has it"):
        check_levels(ModelConfig(active=0.5))


def test_a_decorator_registers_and_returns_what_it_decorates():
    levels = {}

    @register(levels, "first")
    def first():
        """A component."""

    assert levels == {"first": first}


def test_a_decorator_with_a_kind_registers_the_level_that_it_makes():
    levels = {}

    @register(levels, "first", kind=lambda component, scale: (component, scale), scale=2)
    def first():
        """A component."""

    assert levels == {"first": (first, 2)}
