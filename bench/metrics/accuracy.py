"""Accuracy and loss on a split."""

import torch
from torch.nn import functional

from bench.components.windows import centre, ten_crops
from bench.data.image_sets import ImageSet, StreamedPhotos
from bench.models.network import Network
from bench.system.process_group import SINGLE, ProcessGroup

BATCH = 500  # images evaluated at once


@torch.no_grad()
def evaluate(network: Network, images: ImageSet, group: ProcessGroup = SINGLE) -> tuple[float, float]:
    """Return accuracy (a fraction) and mean cross entropy (nats) in eval mode, on the centre of each image."""
    network.eval()
    count = len(images.labels)
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    for canvas, labels in images.batches(BATCH, group):
        logits = network(centre(canvas, network.size)).float()
        correct += (logits.argmax(dim=1) == labels).sum()
        loss += functional.cross_entropy(logits, labels, reduction="sum")
    network.train()
    return group.sum(correct).item() / count, group.sum(loss).item() / count


@torch.no_grad()
def evaluate_crops(network: Network, images: StreamedPhotos, group: ProcessGroup = SINGLE) -> dict[str, float]:
    """Return `test/top5` of the centre, and accuracy and top 5 of the mean prediction over ten windows.

    Krizhevsky et al. 2012, section 4.1. With fewer than six outputs, all but one replace the top five.
    """
    network.eval()
    correct = torch.zeros(3, dtype=torch.int64, device=images.device)
    for canvas, labels in images.batches(BATCH // 10, group):
        predictions = [network(window).float().softmax(1) for window in ten_crops(canvas, network.size)]
        mean = torch.stack(predictions).mean(0)
        five = min(5, mean.shape[1] - 1)
        rankings = ((predictions[0], five), (mean, 1), (mean, five))
        hits = [(scores.topk(k).indices == labels[:, None]).any(1).sum() for scores, k in rankings]
        correct += torch.stack(hits)
    network.train()
    names = "test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"
    counts = group.sum(correct).tolist()
    return {name: count / len(images.labels) for name, count in zip(names, counts, strict=True)}
