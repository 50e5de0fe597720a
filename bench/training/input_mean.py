"""The training images' mean, which a network may subtract from its inputs."""

import torch

from bench.components.inputs import MeanSubtraction
from bench.components.windows import middle
from bench.data.image_sets import ImageSet
from bench.metrics.accuracy import BATCH
from bench.models.network import Network
from bench.system.process_group import SINGLE, ProcessGroup
from bench.training.evaluation_schedule import FULL_IMAGES


def store_mean(network: Network, train: ImageSet, group: ProcessGroup = SINGLE) -> None:
    """Measure the mean of each colour in the middle of the training images, and store it in a network that needs it.

    Sums of whole numbers are exact, so the mean does not depend on the number of processes.
    """
    size, images = network.size, train.first(FULL_IMAGES)
    for module in network.modules():
        if isinstance(module, MeanSubtraction):
            total = torch.zeros(3, dtype=torch.int64, device=images.device)
            for canvas, _ in images.batches(BATCH, group):
                total += middle(canvas, size).sum((0, 1, 2))
            mean = group.sum(total).double() / (len(images.labels) * size**2)
            module.mean.copy_(mean.view(1, 3, 1, 1))
