import math

import pytest
import torch
from torch import nn

from bench.components.windows import centre
from bench.data.image_sets import ResidentImages
from bench.metrics.accuracy import evaluate
from bench.models.network import build
from bench.spec.config import ModelConfig


@pytest.mark.parametrize("layout, side", [("document", 40), ("zhang", 32)])
@pytest.mark.parametrize("count", [1, 250, 613])
def test_evaluation_is_a_plain_loop_over_the_centres(layout, side, count):
    network = build(ModelConfig(layout=layout, width=0.05, normalisation="batch"), 0)
    numbers = torch.Generator().manual_seed(1)
    canvas = torch.randint(0, 256, (count, side, side, 3), generator=numbers).to(torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=numbers)
    accuracy, loss = evaluate(network, ResidentImages(canvas, labels))
    correct, losses = 0, 0.0
    network.eval()
    with torch.no_grad():
        for images, truth in zip(canvas.split(100), labels.split(100), strict=True):
            for logits, label in zip(network(centre(images, network.size)).double(), truth, strict=True):
                correct += int(logits.argmax() == label)
                losses -= logits.log_softmax(0)[label].item()
    assert accuracy == correct / count
    assert loss == pytest.approx(losses / count, rel=1e-5)


def test_evaluation_restores_training_mode_and_keeps_statistics():
    network = build(ModelConfig(width=0.05, normalisation="batch"), 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(network, ResidentImages(torch.zeros(3, 40, 40, 3, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Fixed(nn.Module):
    """A network that returns the given logits."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits
        self.size = 32

    def forward(self, images):
        return self.logits[: len(images)]


def test_accuracy_and_cross_entropy_by_hand():
    logits = torch.tensor([[math.log(3), 0.0], [math.log(3), 0.0], [0.0, 0.0], [0.0, math.log(7)]])
    canvas = torch.zeros(4, 40, 40, 3, dtype=torch.uint8)
    accuracy, loss = evaluate(Fixed(logits), ResidentImages(canvas, torch.tensor([0, 1, 0, 1])))
    assert accuracy == 3 / 4
    assert loss == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4) + math.log(1 / 2) + math.log(7 / 8)) / 4)
