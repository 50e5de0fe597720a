"""Metrics that study files declare: means over images of a value that each image has."""

from collections.abc import Sequence

import torch

from bench.components.windows import centre
from bench.data.image_sets import ImageSet
from bench.metrics.accuracy import BATCH
from bench.metrics.registry import IMAGE_METRICS, recorded_name
from bench.models.network import Network
from bench.system.process_group import SINGLE, ProcessGroup


@torch.no_grad()
def measure_image_metrics(
    network: Network, images: ImageSet, names: Sequence[str], group: ProcessGroup = SINGLE
) -> dict[str, float]:
    """Return `test/<name>` for each declared metric: its mean over the centre of each image, in eval mode.

    Args:
        network: The network.
        images: The test images.
        names: Qualified names of the metrics.
        group: The processes that evaluate together.
    """
    network.eval()
    sums = torch.zeros(len(names), dtype=torch.float64, device=images.device)
    for canvas, labels in images.batches(BATCH, group):
        inputs = centre(canvas, network.size)
        values = [IMAGE_METRICS[name](network, inputs, labels) for name in names]
        sums += torch.stack([value.sum(dtype=torch.float64) for value in values])
    network.train()
    means = (group.sum(sums) / len(images.labels)).tolist()
    return {recorded_name(name): mean for name, mean in zip(names, means, strict=True)}
