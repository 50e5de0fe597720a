"""Alternatives to the harness, each written as its users would write it.

Each peer trains and evaluates what the harness does: the document's network, batches of 128, the document's
augmentation, Adam; a sample of train, validation and test before the first step, of train and validation after each
epoch, and all images of the three after the last. `python peers.py PEER WORK`, with WORK as a JSON object, prints the
numbers of images and the seconds from the first step to the last result.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

BATCH, RATE = 128, 1e-3
done: Counter[str] = Counter()  # images trained on and evaluated


class Work(NamedTuple):
    """The training to perform; `train` is the number of training images, the remaining ones are for validation.

    `sample` is the number of images of a split in an evaluation before the end. Only Lightning takes `precision`.
    """

    folder: str
    width: float
    train: int
    epochs: int
    trials: int
    sample: int
    precision: str


class Loaders(NamedTuple):
    train: Iterable[Any]
    start: list[Iterable[Any]]
    between: list[Iterable[Any]]
    end: list[Iterable[Any]]


def network(width: float) -> nn.Module:
    def scaled(channels: int) -> int:
        return round(channels * width)

    a, b, c, d, units = map(scaled, (64, 192, 384, 256, 4096))
    return nn.Sequential(
        *(nn.Conv2d(3, a, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(a, b, 5, padding=2), nn.ReLU(inplace=True)),
        *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(c, d, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(d, d, 3, padding=1), nn.ReLU(inplace=True)),
        nn.Flatten(),
        *(nn.Dropout(), nn.Linear(d * 9, units), nn.ReLU(inplace=True)),
        *(nn.Dropout(), nn.Linear(units, units), nn.ReLU(inplace=True)),
        nn.Linear(units, 10),
    )


@torch.no_grad()
def evaluate(model: nn.Module, loaders: Iterable[Iterable[Any]]) -> list[tuple[float, float]]:
    """Return accuracy and loss over each loader."""
    model.eval()
    scores = []
    for loader in loaders:
        correct, loss, count = 0, 0.0, 0
        for images, labels in loader:
            outputs = model(images)
            correct += (outputs.argmax(1) == labels).sum().item()
            loss += functional.cross_entropy(outputs, labels, reduction="sum").item()
            count += len(labels)
        scores.append((correct / count, loss / count))
        done["evaluated"] += count
    model.train()
    return scores


def by_hand(work: Work, loaders: Loaders) -> None:
    """Train by the document's loop, with evaluations."""
    model = network(work.width)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    evaluate(model, loaders.start)
    for epoch in range(1, work.epochs + 1):
        for images, labels in loaders.train:
            loss = functional.cross_entropy(model(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            done["trained"] += len(labels)
        if epoch < work.epochs:
            evaluate(model, loaders.between)
    evaluate(model, loaders.end)


def with_lightning(work: Work, loaders: Loaders) -> None:
    import lightning

    rounded = partial(torch.autocast, "cpu", torch.bfloat16, enabled=work.precision == "bfloat16")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = network(work.width)

        def training_step(self, batch: list[Tensor]) -> Tensor:
            images, labels = batch
            loss = functional.cross_entropy(self.model(images), labels)
            self.log("train_loss", loss)
            done["trained"] += len(labels)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

        def on_train_epoch_end(self) -> None:
            if self.current_epoch + 1 < work.epochs:
                with rounded():
                    (train, _), (validation, _) = evaluate(self.model, loaders.between)
                self.log_dict({"train_accuracy": train, "validation_accuracy": validation})

    module = Module()
    trainer = lightning.Trainer(
        max_epochs=work.epochs,
        accelerator="cpu",
        precision="bf16-mixed" if work.precision == "bfloat16" else "32-true",
        logger=lightning.pytorch.loggers.CSVLogger(Path(work.folder).with_name("lightning")),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    with rounded():
        evaluate(module.model, loaders.start)
    trainer.fit(module, loaders.train)
    with rounded():
        evaluate(module.model, loaders.end)


NORMALISE = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]


def from_files(work: Work, workers: int) -> Loaders:
    """Load from image folders, with PIL transforms on each image."""
    clean = transforms.Compose([transforms.ToTensor(), transforms.Normalize(*NORMALISE)])
    augmented = transforms.Compose(
        [
            transforms.RandomCrop(36, padding=4),
            transforms.RandomResizedCrop(32),
            transforms.RandomHorizontalFlip(),
            *clean.transforms,
        ]
    )
    train, clean_train, test = (
        ImageFolder(Path(work.folder, split), transform)
        for split, transform in (("train", augmented), ("train", clean), ("test", clean))
    )
    return loaders(work, train, clean_train, test, workers)


def from_memory(work: Work) -> Loaders:
    """Load from decoded images, with torchvision's `transforms.v2` on each image."""

    class Images(Dataset[tuple[Tensor, int]]):
        def __init__(self, split: str, transform: v2.Transform) -> None:
            files = ImageFolder(Path(work.folder, split)).samples
            self.pixels = [v2.functional.pil_to_tensor(Image.open(file)) for file, _ in files]
            self.labels, self.transform = [label for _, label in files], transform

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            return self.transform(self.pixels[index]), self.labels[index]

    clean = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(*NORMALISE)])
    augmented = v2.Compose(
        [v2.RandomCrop(36, padding=4), v2.RandomResizedCrop(32), v2.RandomHorizontalFlip(), *clean.transforms]
    )
    return loaders(work, Images("train", augmented), Images("train", clean), Images("test", clean), 0)


def loaders(work: Work, train: Any, clean_train: Any, test: Any, workers: int) -> Loaders:
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()
    chosen, held = order[: work.train], order[work.train :]

    def loader(images: Any, indices: Iterable[int] | None = None, **options: Any) -> DataLoader[Any]:
        subset = images if indices is None else Subset(images, list(indices))
        return DataLoader(subset, num_workers=workers, persistent_workers=workers > 0, **options)

    def evaluated(count: int | None) -> list[Iterable[Any]]:
        splits = (clean_train, chosen[:count]), (clean_train, held[:count]), (test, range(len(test))[:count])
        return [loader(images, indices, batch_size=500) for images, indices in splits]

    return Loaders(
        loader(train, chosen, batch_size=BATCH, shuffle=True, drop_last=True),
        evaluated(work.sample),
        evaluated(work.sample)[:2],
        evaluated(None),
    )


PEERS = {
    "the document's way": (lambda work: from_files(work, 0), by_hand),
    "the same, two loader workers": (lambda work: from_files(work, 2), by_hand),
    "PyTorch Lightning": (lambda work: from_files(work, 2), with_lightning),
    "transforms.v2 in memory": (from_memory, by_hand),
}


def main(peer: str, work: Work) -> None:
    load, train = PEERS[peer]
    loaded = load(work)
    if train is with_lightning:
        import lightning  # noqa: F401
    start = time.perf_counter()
    for seed in range(work.trials):
        torch.manual_seed(seed)
        train(work, loaded)
    print(json.dumps({**done, "seconds": time.perf_counter() - start, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main(sys.argv[1], Work(**json.loads(sys.argv[2])))
