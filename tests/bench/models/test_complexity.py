import pytest
import torch
import torchvision
from small_networks import Residual, declare
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.components.initialisers import INITIALISERS
from bench.components.layouts import LAYOUTS
from bench.models import complexity
from bench.models.alexnet import AlexNet, build
from bench.spec.config import ModelConfig

# Parameters with biases, multiply-accumulates without, of one image and 1,000 classes.
FULLY_CONNECTED = {
    "fc6": (37_752_832, 37_748_736),
    "fc7": (16_781_312, 16_777_216),
    "fc8": (4_097_000, 4_096_000),
}
ROWS = {
    "ungrouped": {
        "conv1": (34_944, 105_415_200),
        "conv2": (614_656, 447_897_600),
        "conv3": (885_120, 149_520_384),
        "conv4": (1_327_488, 224_280_576),
        "conv5": (884_992, 149_520_384),
    },
    "two-group": {
        "conv1": (34_944, 105_415_200),
        "conv2": (307_456, 223_948_800),
        "conv3": (885_120, 149_520_384),
        "conv4": (663_936, 112_140_288),
        "conv5": (442_624, 74_760_192),
    },
    "torchvision": {
        "conv1": (23_296, 70_276_800),
        "conv2": (307_392, 223_948_800),
        "conv3": (663_936, 112_140_288),
        "conv4": (884_992, 149_520_384),
        "conv5": (590_080, 99_680_256),
    },
}
TOTALS = {
    "ungrouped": (62_378_344, 1_135_256_096),
    "two-group": (60_965_224, 724_406_816),
    "torchvision": (61_100_840, 714_188_480),
}
SHARES = {"ungrouped": (6.01, 94.84), "two-group": (3.83, 91.91), "torchvision": (4.04, 91.79)}


@pytest.mark.parametrize("layout", ROWS)
def test_every_layer_of_the_imagenet_layouts_counts_what_is_published(layout):
    counted = complexity.count_network(ModelConfig(layout=layout, classes=1000))
    counts = {row["name"]: (row["parameters"], row["macs"]) for row in counted["layers"]}
    assert counts == {**ROWS[layout], **FULLY_CONNECTED}
    assert (counted["parameters"], counted["macs"]) == TOTALS[layout]


@pytest.mark.parametrize("layout", SHARES)
def test_convolutions_hold_little_of_the_parameters_and_do_most_of_the_work(layout):
    counted = complexity.count_network(ModelConfig(layout=layout, classes=1000))
    convolutions = [row for row in counted["layers"] if row["kind"] == "conv"]
    shares = tuple(
        round(100 * sum(row[total] for row in convolutions) / counted[total], 2) for total in ("parameters", "macs")
    )
    assert shares == SHARES[layout]


def test_zhangs_network_has_the_published_counts():
    counted = complexity.count_network(ModelConfig(layout="zhang"))
    assert (counted["parameters"], counted["macs"]) == (1_387_786, 25_113_472)
    convolutions = [row for row in counted["layers"] if row["kind"] == "conv"]
    assert sum(row["parameters"] for row in convolutions) / counted["parameters"] == pytest.approx(0.077, abs=5e-4)
    assert sum(row["macs"] for row in convolutions) / counted["macs"] == pytest.approx(0.949, abs=5e-4)


def test_the_documents_network_has_its_parameters_and_costs_about_98_mflop():
    counted = complexity.count_network(ModelConfig("document"))
    assert counted["parameters"] == 28_733_258
    assert 2 * counted["macs"] / 1e6 == pytest.approx(98, abs=1)


def test_the_house_network_has_most_parameters_in_its_connected_layers_and_most_work_in_its_convolutions():
    counted = complexity.count_network(ModelConfig("alexnet-32"))
    assert (counted["parameters"], counted["macs"]) == (37_323_146, 124_305_408)
    convolutions = [row for row in counted["layers"] if row["kind"] == "conv"]
    assert sum(row["parameters"] for row in convolutions) / counted["parameters"] == pytest.approx(0.0997, abs=5e-5)
    assert sum(row["macs"] for row in convolutions) / counted["macs"] == pytest.approx(0.7297, abs=5e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "levels",
    [
        {},
        {"width": 0.3},
        {"kernel": "pair"},
        {"kernel": "pair-matched", "normalisation": "batch"},
        {"kernel": "pair-linear", "extra": 2},
        {"activation": "sigmoid", "normalisation": "constant", "dropout_place": "all"},
    ],
    ids=str,
)
def test_macs_are_half_the_flops_that_pytorch_counts(layout, levels):
    model = ModelConfig(layout=layout, **levels)
    with torch.device("meta"):
        network = AlexNet(model).eval()
        image = torch.empty(1, 3, LAYOUTS[layout].size, LAYOUTS[layout].size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    counted = complexity.count_network(model)
    assert 2 * counted["macs"] == counter.get_total_flops()
    assert counted["parameters"] == sum(p.numel() for p in network.parameters())


def test_rows_add_up_and_contain_shape_and_output():
    counted = complexity.count_network(ModelConfig(layout="zhang"))
    rows = {row["name"]: row for row in counted["layers"]}
    assert list(rows) == ["conv1", "conv2", "fc3", "fc4", "fc5"]
    assert (rows["conv2"]["kind"], rows["conv2"]["shape"], rows["conv2"]["output"]) == (
        "conv",
        [64, 64, 5, 5],
        [64, 14, 14],
    )
    assert (rows["fc3"]["kind"], rows["fc3"]["shape"], rows["fc3"]["output"]) == ("fc", [384, 3136], [384])


def test_batch_normalisation_is_a_row_with_parameters_and_without_macs():
    rows = {row["name"]: row for row in complexity.count_network(ModelConfig(normalisation="batch"))["layers"]}
    assert (rows["conv1_bn"]["kind"], rows["conv1_bn"]["parameters"], rows["conv1_bn"]["macs"]) == ("norm", 2 * 96, 0)
    assert rows["conv1_bn"]["gain"] is None


@pytest.mark.parametrize(
    "levels, field, text",
    [
        ({"activation": "tanh"}, "activation", "Tanh()"),
        ({"activation": "k-winners", "active": 0.2}, "activation", "KWinners(active=0.2)"),
        ({"normalisation": "lrn"}, "normalisation", "LRN(alpha=0.0001)"),
        ({"normalisation": "lrn-rescaled"}, "normalisation", "LRN(alpha=1.62563)"),
        ({"normalisation": "constant"}, "normalisation", "Constant()"),
        ({"normalisation": "batch"}, "normalisation", str(nn.BatchNorm2d(96))),
        ({"dropout_place": "conv", "dropout": 0.2}, "dropout", "Dropout(p=0.2, inplace=False)"),
    ],
    ids=str,
)
def test_a_row_names_the_modules_after_its_layer(levels, field, text):
    first = complexity.count_network(ModelConfig(**levels))["layers"][0]
    assert first[field] == text
    assert complexity.count_network(ModelConfig())["layers"][0].get(field) != text


def test_modules_after_batch_normalisation_belong_to_the_layer_before_it():
    rows = {row["name"]: row for row in complexity.count_network(ModelConfig(normalisation="batch"))["layers"]}
    plain = complexity.count_network(ModelConfig())["layers"][0]
    assert rows["conv1"]["activation"] == plain["activation"]
    assert rows["conv1"]["pooling"] == plain["pooling"]
    assert "activation" not in rows["conv1_bn"]


def test_a_row_tells_the_gain_of_its_initial_weights():
    gains = {
        row["name"]: row["gain"]
        for row in complexity.count_network(ModelConfig(layout="zhang", activation="tanh"))["layers"]
    }
    assert gains == {name: 1.0 if name == "fc5" else 1.6667 for name in gains}


@pytest.mark.parametrize("initial", list(INITIALISERS))
def test_a_gain_is_the_deviation_of_the_initial_weights_for_one_input(initial):
    model = ModelConfig("alexnet-32", width=0.25, kernel="pair", initial=initial)
    network = build(model, 0)
    for row in complexity.count_network(model)["layers"]:
        weight = network.layers.get_submodule(row["name"]).weight
        tolerance = 4 / (2 * weight.numel()) ** 0.5
        assert row["gain"] == pytest.approx(weight.std().item() * weight[0].numel() ** 0.5, rel=tolerance, abs=1e-4)


def test_the_first_row_names_the_module_that_rescales_the_images():
    scaled, pixels = (complexity.count_network(ModelConfig(inputs=level))["layers"] for level in ("scaled", "pixels"))
    assert pixels == [{**scaled[0], "inputs": "MeanSubtraction()"}, *scaled[1:]]


def test_counting_allocates_nothing():
    counted = complexity.count_network(ModelConfig(layout="ungrouped", width=8, classes=1000))  # 15 GB, were it built
    assert counted["parameters"] > 3.5e9


def test_a_residual_network_by_hand():
    """Maps of 4 pixels: stem 3 to 4 channels at stride 2, two 4-to-4 convolutions without biases, 4 to 10 classes."""
    counted = complexity.count_network(declare(Residual))
    assert [(row["name"], row["kind"], row["parameters"], row["macs"]) for row in counted["layers"]] == [
        ("stem", "conv", 4 * 27 + 4, 4 * 27 * 16),
        ("block.conv1", "conv", 4 * 36, 4 * 36 * 16),
        ("block.bn1", "norm", 8, 0),
        ("block.conv2", "conv", 4 * 36, 4 * 36 * 16),
        ("fc", "fc", 50, 40),
    ]
    assert (counted["parameters"], counted["macs"]) == (458, 6_376)
    first, _, last = (row for row in counted["layers"] if row["name"].startswith(("block.conv", "stem")))
    assert (first["output"], last["shape"], last["dropout"]) == (
        [4, 4, 4],
        [4, 4, 3, 3],
        "Dropout(p=0.5, inplace=False)",
    )
    assert last["activation"] == "ReLU(inplace=True)" and "activation" not in first


class Attention(nn.Module):
    """Parameters of its own, attention, and a table that no module runs."""

    def __init__(self, classes):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 6))
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.scales = nn.ParameterList([torch.ones(6)])
        self.embed, self.fc = nn.Linear(24, 6, bias=False), nn.Linear(6, classes)
        self.tied = nn.Linear(24, 6, bias=False)
        self.tied.weight = self.embed.weight

    def forward(self, images):
        tokens = self.embed(images.transpose(1, 2).flatten(2)) + self.token
        return self.fc(self.attention(tokens, tokens, tokens)[0].mean(1) * self.scales[0])


def test_operations_outside_of_layers_are_counted_and_shared_parameters_once():
    """Eight tokens of 6 numbers: projections of 6 to 18 and 6 to 6, and two products of 8 x 8 x 6."""
    counted = complexity.count_network(declare(Attention))
    assert {row["name"]: (row["parameters"], row["macs"]) for row in counted["layers"]} == {
        "network": (6, 0),
        "embed": (144, 8 * 144),
        "attention": (18 * 6 + 18, 8 * 108 + 2 * 8 * 8 * 6 + 8 * 36),
        "attention.out_proj": (42, 0),
        "fc": (70, 60),
        "scales": (6, 0),
    }


@pytest.mark.parametrize(
    "name, parameters, macs", [("resnet18", 11_689_512, 1.814), ("mobilenet_v2", 3_504_872, 0.301)]
)
def test_networks_of_torchvision_have_the_published_counts(name, parameters, macs):
    model = declare(lambda classes: getattr(torchvision.models, name)(num_classes=classes), classes=1000, size=224)
    counted = complexity.count_network(model)
    assert counted["parameters"] == parameters
    assert counted["macs"] / 1e9 == pytest.approx(macs, abs=5e-4)
