import pytest
import torch
from torch import nn

from bench.data.image_sets import ResidentImages
from bench.metrics.image_metrics import measure_image_metrics
from bench.metrics.registry import IMAGE_METRICS


def test_a_declared_metric_is_the_mean_over_the_centres_of_all_images(monkeypatch):
    """The brightness of the middle pixel is -1 + 2 p / 255 for pixels p = 0, 51, 102, weighted here by the label."""
    canvas = torch.zeros(3, 3, 3, 3, dtype=torch.uint8)
    canvas[:, 1, 1] = torch.tensor([0, 51, 102], dtype=torch.uint8)[:, None]
    images = ResidentImages(canvas, torch.tensor([1, 2, 3]))
    modes = []

    def weighted(network, images, labels):
        modes.append(network.training)
        return network(images).mean((1, 2, 3)) * labels

    monkeypatch.setitem(IMAGE_METRICS, "weighted@0123456789abcdef", weighted)
    network = nn.Identity().train()
    network.size = 1
    metrics = measure_image_metrics(network, images, ["weighted@0123456789abcdef"])
    assert metrics == {"test/weighted": pytest.approx((-1 * 1 - 0.6 * 2 - 0.2 * 3) / 3)}
    assert modes == [False] and network.training
