import dataclasses
import math
from itertools import pairwise

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bench.components.activations import ACTIVATIONS, KWinners
from bench.components.layouts import LAYOUTS
from bench.components.normalisations import LRN
from bench.models import complexity
from bench.models.alexnet import AlexNet, build
from bench.models.layers import Dropout, Linear
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.seeding import stream_seed

SMALL = ModelConfig(width=0.05)
ZHANG = ModelConfig(layout="zhang", width=0.25)
HOUSE = ModelConfig("alexnet-32")


def on_meta(model):
    with torch.device("meta"):
        return AlexNet(model)


def names(**levels):
    return [name for name, _ in on_meta(ModelConfig(**{"layout": "document"} | levels)).layers.named_children()]


def weighted(**levels):
    """Return the shapes of the weights by layer."""
    return {
        name: tuple(layer.weight.shape)
        for name, layer in on_meta(ModelConfig(**{"layout": "document"} | levels)).layers.named_children()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }


def with_weights_of(other, model):
    """Build a model's network with the weights of another one, shared and not copied."""
    network = on_meta(model)
    ours, theirs = network.state_dict(), other.state_dict()
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)), assign=True)
    return network.eval()


def images(count, side, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


# The layouts


def test_the_torchvision_layout_has_torchvisions_weights_in_its_order():
    with torch.device("meta"):
        theirs = torchvision.models.alexnet(weights=None)
    ours = on_meta(ModelConfig(layout="torchvision", classes=1000))
    assert [w.shape for w in ours.state_dict().values()] == [w.shape for w in theirs.state_dict().values()]


def test_the_torchvision_layout_computes_what_torchvision_computes():
    theirs = torchvision.models.alexnet(weights=None).eval()
    ours = with_weights_of(theirs, ModelConfig(layout="torchvision", classes=1000))
    with torch.no_grad():
        torch.testing.assert_close(ours(images(2, 224)), theirs(images(2, 224)), rtol=1e-5, atol=1e-5)


def documents_network():
    """The network of the article's script, with pooling after the first convolution only."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(kernel_size=3, stride=2)),
        *(nn.Conv2d(64, 192, kernel_size=5, padding=2), nn.ReLU()),
        *(nn.Conv2d(192, 384, kernel_size=3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU()),
        nn.Flatten(),
        *(nn.Dropout(), nn.Linear(256 * 3 * 3, 4096), nn.ReLU()),
        *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()),
        nn.Linear(4096, 10),
    )


def test_the_document_layout_computes_what_the_documents_network_computes():
    theirs = documents_network()
    ours = with_weights_of(theirs, ModelConfig("document"))
    with torch.no_grad():
        torch.testing.assert_close(ours(images(4, 32)), theirs.eval()(images(4, 32)), rtol=1e-5, atol=1e-6)
    assert sum(p.numel() for p in theirs.parameters()) == 28_733_258


def test_the_document_layout_drops_where_the_documents_network_drops():
    with torch.device("meta"):
        theirs = [type(layer) for layer in documents_network()]
        ours = [type(layer) for layer in AlexNet(ModelConfig("document", dropout=0.5)).layers]
    replacements = {nn.Dropout: Dropout, nn.Linear: Linear}
    assert ours == [replacements.get(kind, kind) for kind in theirs]


def test_zhangs_layout_is_two_modules_of_convolution_pooling_and_normalisation():
    kinds = [type(layer) for layer in on_meta(ModelConfig(layout="zhang", normalisation="lrn", dropout=0.0)).layers]
    module, hidden = [nn.Conv2d, nn.ReLU, nn.MaxPool2d, LRN], [Linear, nn.ReLU]
    assert kinds == [*module, *module, nn.Flatten, *hidden, *hidden, Linear]
    outputs = {row["name"]: row["output"] for row in complexity.count_network(ModelConfig(layout="zhang"))["layers"]}
    assert outputs == {"conv1": [64, 28, 28], "conv2": [64, 14, 14], "fc3": [384], "fc4": [192], "fc5": [10]}
    assert weighted(layout="zhang")["fc3"] == (384, 64 * 7 * 7)


def test_the_house_network_is_alexnet_whose_maps_are_16_8_and_4_pixels():
    rows = {row["name"]: (row["parameters"], row["output"]) for row in complexity.count_network(HOUSE)["layers"]}
    assert rows == {
        "conv1": (96 * 3 * 25 + 96, [96, 16, 16]),
        "conv2": (256 * 96 * 25 + 256, [256, 8, 8]),
        "conv3": (384 * 256 * 9 + 384, [384, 4, 4]),
        "conv4": (384 * 384 * 9 + 384, [384, 4, 4]),
        "conv5": (256 * 384 * 9 + 256, [256, 4, 4]),
        "fc6": (4096 * 256 * 4 * 4 + 4096, [4096]),
        "fc7": (4096 * 4096 + 4096, [4096]),
        "fc8": (10 * 4096 + 10, [10]),
    }
    paper = [name for name in names(layout="ungrouped", normalisation="lrn", dropout=0.5) if name != "conv5_pool"]
    assert names(layout="alexnet-32", normalisation="lrn", dropout=0.5) == paper


@pytest.mark.parametrize("levels", [{"without": ("conv3", "conv4", "conv5")}, {"extra": 2}], ids=str)
def test_the_house_networks_classifier_sees_4_pixels_whichever_layers_precede_it(levels):
    assert weighted(layout="alexnet-32", **levels)["fc6"] == (4096, 256 * 4 * 4)


def test_layers_added_where_those_after_the_last_pooling_are_left_out_keep_that_pooling():
    levels = {"without": ("conv3", "conv4", "conv5"), "extra": 1}
    assert [n for n in names(layout="alexnet-32", **levels) if n.endswith("_pool")] == ["conv1_pool", "conv2_pool"]


def test_the_four_layer_network_is_three_convolutions_with_pooling_and_the_output():
    model = ModelConfig("four-layer", normalisation="lrn")
    kinds = [type(layer) for layer in on_meta(model).layers]
    module = [nn.Conv2d, nn.ReLU, nn.MaxPool2d]
    assert kinds == [*module, LRN, *module, LRN, *module, nn.Flatten, Linear]
    rows = {row["name"]: (row["parameters"], row["output"]) for row in complexity.count_network(model)["layers"]}
    assert rows == {
        "conv1": (32 * 3 * 25 + 32, [32, 32, 32]),
        "conv2": (32 * 32 * 25 + 32, [32, 16, 16]),
        "conv3": (64 * 32 * 25 + 64, [64, 8, 8]),
        "fc4": (10 * 64 * 4 * 4 + 10, [10]),
    }


def test_the_articles_layout_with_a_second_pooling_ends_in_maps_of_one_pixel():
    rows = {row["name"]: row for row in complexity.count_network(ModelConfig("document-pooled"))["layers"]}
    assert [rows[f"conv{n}"]["output"][1:] for n in range(1, 6)] == [[7, 7], [3, 3], [1, 1], [1, 1], [1, 1]]
    assert rows["fc6"]["shape"] == [4096, 256]
    assert [n for n in names(layout="document-pooled") if n != "conv2_pool"] == names(layout="document")


def test_the_papers_layout_normalises_before_it_pools_and_drops_after_the_activation():
    assert names(layout="two-group", normalisation="lrn", dropout=0.5) == [
        *("conv1", "conv1_act", "conv1_norm", "conv1_pool"),
        *("conv2", "conv2_act", "conv2_norm", "conv2_pool"),
        *("conv3", "conv3_act", "conv4", "conv4_act", "conv5", "conv5_act", "conv5_pool"),
        *("flatten", "fc6", "fc6_act", "fc6_drop", "fc7", "fc7_act", "fc7_drop", "fc8"),
    ]


def test_two_groups_stand_in_the_second_fourth_and_fifth_convolution():
    groups = {
        n: m.groups for n, m in on_meta(ModelConfig(layout="two-group")).layers.named_children() if "groups" in vars(m)
    }
    assert groups == {"conv1": 1, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}


# The factors


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "activation, kind", [("relu", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid), ("k-winners", KWinners)]
)
def test_every_hidden_layer_has_the_activation_and_the_output_has_none(layout, activation, kind):
    network = on_meta(ModelConfig(layout=layout, activation=activation))
    hidden = list(weighted(layout=layout))[:-1]
    assert [name for name, _ in network.activations()] == hidden
    assert all(type(module) is kind for _, module in network.activations())
    assert sum(isinstance(module, nn.ReLU | nn.Tanh | nn.Sigmoid | KWinners) for module in network.modules()) == len(
        hidden
    )


def test_a_pair_of_small_kernels_replaces_each_large_one():
    assert weighted(kernel="pair")["conv2a"] == weighted(kernel="pair-linear")["conv2a"] == (192, 64, 3, 3)
    assert weighted(kernel="pair")["conv2b"] == (192, 192, 3, 3)
    zhang = weighted(layout="zhang", kernel="pair", middle=0.5)
    assert [zhang[n] for n in ("conv1a", "conv1b", "conv2a", "conv2b")] == [
        *((32, 3, 3, 3), (64, 32, 3, 3)),
        *((32, 64, 3, 3), (64, 32, 3, 3)),
    ]
    assert "conv1" not in zhang
    assert "conv2" not in zhang


def test_in_the_house_network_a_pair_replaces_the_second_convolution_alone():
    single, pair = weighted(layout="alexnet-32"), weighted(layout="alexnet-32", kernel="pair")
    assert {n: s for n, s in pair.items() if n not in single} == {
        "conv2a": (256, 96, 3, 3),
        "conv2b": (256, 256, 3, 3),
    }
    assert {n: s for n, s in single.items() if n != "conv2"} == {n: s for n, s in pair.items() if n in single}


@pytest.mark.parametrize("layout", ["alexnet-32", "zhang", "document", "ungrouped", "two-group", "torchvision"])
def test_a_pair_has_the_input_and_output_sizes_of_the_kernel_that_it_replaces(layout):
    sizes = {row["name"]: row["output"] for row in complexity.count_network(ModelConfig(layout=layout))["layers"]}
    two = {
        row["name"]: row["output"]
        for row in complexity.count_network(ModelConfig(layout=layout, kernel="pair-matched"))["layers"]
    }
    assert two["conv2b"] == sizes["conv2"]
    assert {name: two[name] for name in sizes if name in two} == {n: o for n, o in sizes.items() if n in two}


@settings(deadline=None, max_examples=30)
@given(width=st.floats(0.1, 4), layout=st.sampled_from(["zhang", "document", "ungrouped", "two-group"]))
def test_the_matched_pair_has_the_weights_of_the_large_kernel_but_for_rounding(width, layout):
    sizes = weighted(layout=layout, width=width)
    two = weighted(layout=layout, width=width, kernel="pair-matched")
    for name in [name for name, shape in sizes.items() if shape[2:] == (5, 5)]:
        (outputs, inputs, *_), first, second = sizes[name], two[f"{name}a"], two[f"{name}b"]
        groups = 2 if layout == "two-group" else 1
        middle = 25 * inputs * groups * outputs / (9 * (inputs * groups + outputs))
        assert abs(first[0] - middle) <= max(groups / 2, 1) + 1e-9
        error = abs(math.prod(first) + math.prod(second) - math.prod(sizes[name]))
        assert error <= (abs(first[0] - middle) + 1e-6) * 9 * (inputs + outputs / groups)


def test_the_linear_pair_has_no_activation_between_and_is_else_the_pair():
    pair, linear = names(kernel="pair"), names(kernel="pair-linear")
    assert "conv2a_act" in pair
    assert linear == [name for name in pair if name != "conv2a_act"]
    assert names(kernel="pair-linear", normalisation="batch").count("conv2a_bn") == 0
    assert on_meta(ModelConfig(kernel="pair-linear")).gains["conv2a"] == 1.0


DROPS = {
    ("document", "fc"): ["fc6_drop", "fc7_drop"],
    ("document", "conv"): ["conv1_drop", "conv2_drop", "conv3_drop", "conv4_drop", "conv5_drop"],
    ("zhang", "fc"): ["fc3_drop", "fc4_drop"],
    ("zhang", "conv"): ["conv1_drop", "conv2_drop"],
}


@pytest.mark.parametrize("layout", ["document", "zhang"])
def test_dropout_is_where_dropout_place_says(layout):
    def drop_layers(place, dropout=0.3):
        network = on_meta(ModelConfig(layout=layout, dropout=dropout, dropout_place=place))
        drops = {n: m.p for n, m in network.layers.named_children() if isinstance(m, nn.Dropout)}
        assert set(drops.values()) <= {0.3}
        return list(drops)

    assert drop_layers("fc") == DROPS[layout, "fc"]
    assert drop_layers("conv") == DROPS[layout, "conv"]
    assert drop_layers("all") == DROPS[layout, "conv"] + DROPS[layout, "fc"]
    assert drop_layers("all", dropout=0.0) == []


def test_dropout_precedes_the_documents_hidden_layers_and_follows_the_papers():
    document, paper = names(dropout=0.5), names(layout="ungrouped", dropout=0.5)
    assert document.index("fc6_drop") + 1 == document.index("fc6")
    assert paper.index("fc6_drop") - 1 == paper.index("fc6_act")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_batch_normalisation_stands_before_every_hidden_activation_and_nowhere_else(layout):
    batch = names(layout=layout, normalisation="batch")
    for before, after in pairwise(batch):
        assert before.endswith("_bn") == after.endswith("_act")
    assert [name for name in batch if not name.endswith("_bn")] == names(layout=layout)
    kinds = dict(on_meta(ModelConfig(layout=layout, normalisation="batch")).layers.named_children())
    assert isinstance(kinds["conv1_bn"], nn.BatchNorm2d)
    assert all(isinstance(kinds[n], nn.BatchNorm1d) for n in batch if n.startswith("fc") and n.endswith("_bn"))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "level, representation",
    [("lrn", "LRN(alpha=0.0001)"), ("lrn-rescaled", "LRN(alpha=1.62563)"), ("constant", "Constant()")],
)
def test_other_normalisations_follow_the_first_two_convolutions(layout, level, representation):
    network = on_meta(ModelConfig(layout=layout, normalisation=level))
    norms = {n: repr(m) for n, m in network.layers.named_children() if n.endswith("_norm")}
    assert norms == {"conv1_norm": representation, "conv2_norm": representation}


def test_normalisation_follows_the_pair_once():
    assert [n for n in names(kernel="pair", normalisation="lrn") if "norm" in n] == ["conv1_norm", "conv2_norm"]


@pytest.mark.parametrize(
    "without", [("conv3",), ("conv4",), ("conv5",), ("conv3", "conv4"), ("conv3", "conv4", "conv5")]
)
@pytest.mark.parametrize("layout", ["document", "torchvision", "ungrouped", "two-group"])
def test_layers_can_be_left_out(layout, without):
    shapes, fewer_shapes = weighted(layout=layout), weighted(layout=layout, without=without)
    assert list(fewer_shapes) == [name for name in shapes if name not in without]
    on_meta(ModelConfig(layout=layout, without=without))(torch.empty(1, 3, *[LAYOUTS[layout].size] * 2, device="meta"))


@pytest.mark.parametrize("layout, hidden", [("document", "fc7"), ("zhang", "fc4"), ("ungrouped", "fc7")])
def test_the_second_hidden_layer_can_be_left_out_with_its_dropout(layout, hidden):
    whole = names(layout=layout, dropout=0.5)
    assert names(layout=layout, dropout=0.5, without=(hidden,)) == [n for n in whole if not n.startswith(hidden)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layers_can_be_added_behind_the_last_convolution(layout):
    more_shapes = weighted(layout=layout, extra=2)
    channels = weighted(layout=layout)[f"conv{len(LAYOUTS[layout].convs)}"][0]
    added = [name for name in more_shapes if name not in weighted(layout=layout)]
    assert added == ["extra1", "extra2"]
    assert more_shapes["extra1"] == more_shapes["extra2"] == (channels, channels, 3, 3)
    assert {n: s for n, s in more_shapes.items() if n not in added} == weighted(layout=layout)


@pytest.mark.parametrize("layout", ["torchvision", "ungrouped", "two-group"])
@pytest.mark.parametrize(
    "levels, last",
    [
        ({}, "conv5"),
        ({"without": ("conv5",)}, "conv4"),
        ({"without": ("conv4", "conv5")}, "conv3"),
        ({"extra": 1}, "extra1"),
        ({"extra": 3}, "extra3"),
        ({"without": ("conv5",), "extra": 1}, "extra1"),
        ({"without": ("conv3",), "kernel": "pair"}, "conv5"),
    ],
)
def test_pooling_stays_before_the_classifier(layout, levels, last):
    built = names(layout=layout, **levels)
    assert [n for n in built if n.endswith("_pool")] == ["conv1_pool", "conv2_pool", f"{last}_pool"]
    assert built.index(f"{last}_pool") + 1 == built.index("flatten")
    inputs = weighted(layout=layout, **levels)["fc6"][1]
    assert inputs == weighted(layout=layout, **levels)[last][0] * 6 * 6


def test_pooling_stays_before_zhangs_classifier_when_a_layer_is_added():
    built = names(layout="zhang", extra=1)
    assert [n for n in built if n.endswith("_pool")] == ["conv1_pool", "extra1_pool"]
    assert weighted(layout="zhang", extra=1)["fc3"] == weighted(layout="zhang")["fc3"]


@pytest.mark.parametrize("levels", [{}, {"without": ("conv5",)}, {"extra": 2}])
def test_no_pooling_is_added_before_the_documents_classifier(levels):
    assert [n for n in names(**levels) if n.endswith("_pool")] == ["conv1_pool"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_width_scales_every_layer_but_the_output(layout):
    full, half = weighted(layout=layout), weighted(layout=layout, width=0.5)
    assert {n: s[0] for n, s in half.items()} == {n: s[0] // 2 if n != list(full)[-1] else 10 for n, s in full.items()}


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1, 0.26, 0.33, 1.01])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", ["5x5", "pair", "pair-matched", "pair-linear"])
def test_every_width_can_be_built(layout, width, kernel):
    network = on_meta(ModelConfig(layout=layout, width=width, kernel=kernel, extra=1))
    assert network(torch.empty(2, 3, *[LAYOUTS[layout].size] * 2, device="meta")).shape == (2, 10)


@pytest.mark.parametrize(
    "levels, can",
    [
        ({"without": ("conv1",)}, "conv3, conv4, conv5, fc7"),
        ({"without": ("conv2",)}, "conv3, conv4, conv5, fc7"),
        ({"without": ("fc6",)}, "conv3, conv4, conv5, fc7"),
        ({"without": ("fc8",)}, "conv3, conv4, conv5, fc7"),
        ({"without": ("conv3", "conv9")}, "conv3, conv4, conv5, fc7"),
        ({"layout": "zhang", "without": ("conv3",)}, "fc4"),
        ({"layout": "zhang", "without": ("conv2",)}, "fc4"),
        ({"layout": "two-group", "without": ("extra1",), "extra": 1}, "conv3, conv4, conv5, fc7"),
    ],
)
def test_a_switch_that_a_layout_cannot_take_is_refused_in_one_line(levels, can):
    with pytest.raises(InputError) as refusal:
        on_meta(ModelConfig(**levels))
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(f"it can: {can}")
    assert f"layout {levels.get('layout', 'alexnet-32')} cannot leave out" in str(refusal.value)


@settings(deadline=None, max_examples=40)
@given(
    model=st.builds(
        ModelConfig,
        layout=st.sampled_from(["alexnet-32", "document", "zhang"]),
        width=st.sampled_from([0.02, 0.1]),
        activation=st.sampled_from(list(ACTIVATIONS)),
        dropout=st.sampled_from([0.0, 0.5]),
        dropout_place=st.sampled_from(["fc", "conv", "all"]),
        normalisation=st.sampled_from(["none", "lrn", "lrn-rescaled", "constant", "batch"]),
        kernel=st.sampled_from(["5x5", "pair", "pair-matched", "pair-linear"]),
        extra=st.integers(0, 2),
    )
)
def test_any_combination_of_switches_trains_every_parameter(model):
    network = build(model, 0)
    side = network.layout.size
    network(images(8, side).contiguous(memory_format=torch.channels_last)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


# Initial weights


def draws(network):
    return {name: network.layers.get_submodule(name).weight / gain for name, gain in network.gains.items()}


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    first, second, other = (build(SMALL, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith("weight"))


def test_building_neither_reads_nor_needs_a_particular_global_state():
    torch.manual_seed(1)
    first = build(SMALL, 0).state_dict()
    torch.manual_seed(2)
    assert all(torch.equal(w, build(SMALL, 0).state_dict()[name]) for name, w in first.items())


@pytest.mark.parametrize("activation, gain", [("tanh", 5 / 3), ("sigmoid", 1.0), ("relu", math.sqrt(2))])
def test_arms_that_differ_in_activation_share_their_draws_but_for_the_gain(activation, gain):
    baseline, arm = build(SMALL, 4), build(dataclasses.replace(SMALL, activation=activation), 4)
    for name, weight in draws(baseline).items():
        torch.testing.assert_close(draws(arm)[name], weight, rtol=1e-6, atol=0)
    assert arm.gains == {name: 1.0 if name == "fc8" else pytest.approx(gain) for name in baseline.gains}


@pytest.mark.parametrize(
    "levels",
    [{"normalisation": n} for n in ("lrn", "lrn-rescaled", "constant", "batch")]
    + [{"dropout": 0.5}, {"dropout": 0.5, "dropout_place": "all"}, {"kernel": "pair"}, {"kernel": "pair-matched"}]
    + [{"kernel": "pair-linear"}, {"without": ("conv3",)}, {"without": ("fc7",)}, {"extra": 2}, {"classes": 3}],
    ids=str,
)
def test_arms_share_the_weights_of_every_layer_whose_shape_agrees(levels):
    baseline, arm = build(SMALL, 4), build(dataclasses.replace(SMALL, **levels), 4)
    ours, theirs = baseline.layers.state_dict(), arm.layers.state_dict()
    shared = [n for n in ours if n.endswith("weight") and n in theirs and ours[n].shape == theirs[n].shape]
    assert len(shared) >= 5
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)


def test_layers_of_equal_shape_have_draws_of_their_own():
    weights = [w.flatten() for w in draws(build(dataclasses.replace(SMALL, extra=2), 0)).values()]
    corners = {tuple(w[:3].tolist()) for w in weights}
    assert len(corners) == len(weights)
    network = build(dataclasses.replace(ZHANG, extra=2), 0).layers
    first, second = (network.get_submodule(name).weight.flatten() for name in ("extra1", "extra2"))
    assert first.shape == second.shape
    assert abs(torch.corrcoef(torch.stack((first, second)))[0, 1]) < 0.1


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_weights_have_mean_zero_and_variance_gain_squared_over_fan_in(activation):
    network = build(ModelConfig(width=0.25, activation=activation), 0)
    for name, gain in network.gains.items():
        weight, bias = network.layers.get_submodule(name).weight, network.layers.get_submodule(name).bias
        fan_in = weight[0].numel()
        deviations = math.sqrt(weight.numel())
        assert abs(weight.mean()) < 4 * gain / math.sqrt(fan_in) / deviations, name
        assert weight.var().item() * fan_in / gain**2 == pytest.approx(1, abs=4 * math.sqrt(2) / deviations), name
        assert not bias.any()


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_glorots_weights_have_one_variance_for_all_activations(activation):
    network = build(ModelConfig("alexnet-32", width=0.25, activation=activation, initial="glorot"), 0)
    fans = {"conv1": (3 * 25, 24 * 25), "conv2": (24 * 25, 64 * 25), "conv3": (64 * 9, 96 * 9), "conv4": (864, 864)}
    fans |= {"conv5": (96 * 9, 64 * 9), "fc6": (1024, 1024), "fc7": (1024, 1024), "fc8": (1024, 10)}
    for name, (fan_in, fan_out) in fans.items():
        layer = network.layers.get_submodule(name)
        tolerance = 4 / math.sqrt(2 * layer.weight.numel())
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (fan_in + fan_out)), rel=tolerance), name
        assert not layer.bias.any()


def test_each_input_of_a_grouped_layer_reaches_the_outputs_of_its_group():
    network = build(ModelConfig("two-group", width=0.1, initial="glorot"), 0)
    weight = network.layers.get_submodule("conv4").weight  # 38 channels to 38, in two groups
    fan = 19 * 9
    assert weight.shape == (38, 19, 3, 3)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (fan + fan)), rel=4 / math.sqrt(2 * weight.numel()))


@pytest.mark.parametrize("kernel", ["5x5", "pair"])
@pytest.mark.parametrize("layout", ["four-layer", "alexnet-32"])
def test_the_four_layer_networks_initial_weights(layout, kernel):
    network = build(ModelConfig(layout, kernel=kernel, width=0.25, initial="four-layer"), 0)
    for name in network.gains:
        layer = network.layers.get_submodule(name)
        deviation = 1e-4 if name.startswith("conv1") else 0.1 if name in ("fc4", "fc8") else 0.01
        assert layer.weight.std().item() == pytest.approx(deviation, rel=4 / math.sqrt(2 * layer.weight.numel())), name
        assert not layer.bias.any()


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "zhang"])
def test_the_papers_initial_weights_and_biases(layout):
    network = build(ModelConfig(layout, width=0.1, initial="paper"), 0)
    for name in network.gains:
        layer = network.layers.get_submodule(name)
        assert layer.weight.std().item() == pytest.approx(0.01, rel=4 / math.sqrt(2 * layer.weight.numel())), name
        assert set(layer.bias.tolist()) == {float(name in ("conv2", "conv4", "conv5", "fc6", "fc7"))}, name


def test_the_layout_of_128_pixels_has_the_sizes_of_the_benchmark():
    """Mishkin et al. 2017, section 2.1: fifth pooling of 3x3, connected layers of 2048; convolutions as Caffe's."""
    rows = {row["name"]: row for row in complexity.count_network(ModelConfig("caffenet-128", classes=1000))["layers"]}
    convolutions = 34_944 + 307_456 + 885_120 + 663_936 + 442_624
    connected = (2304 * 2048 + 2048) + (2048 * 2048 + 2048) + (2048 * 1000 + 1000)
    assert sum(row["parameters"] for row in rows.values()) == convolutions + connected
    assert rows["fc6"]["shape"] == [2048, 256 * 3 * 3]


def test_grouped_layers_count_the_inputs_that_they_see():
    network = build(ModelConfig(layout="two-group", width=0.1), 0)
    layer = network.layers.get_submodule("conv4")
    assert layer.weight.var().item() * layer.weight[0].numel() == pytest.approx(2, rel=0.1)


def test_streams_of_one_seed_are_independent():
    first, second, stream, seed = (
        torch.rand(5, generator=torch.Generator().manual_seed(stream_seed(*key)))
        for key in [(0, "order"), (0, "order"), (0, "augmentation"), (1, "order")]
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, stream)
    assert not torch.equal(first, seed)
