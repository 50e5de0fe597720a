"""One training step: on a CPU run as it stands, on a GPU recorded once as a graph and replayed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from bench.components import augmentations
from bench.data.images import Images
from bench.models.alexnet import AlexNet
from bench.spec.config import TrainConfig
from bench.spec.jobs import Timing, Trial
from bench.system.process_group import SINGLE, ProcessGroup

Step = Callable[[], None]
EAGER = 3  # steps before a graph is recorded: libraries choose their kernels and the optimiser makes its state


def stepper(
    job: Trial | Timing,
    recipe: TrainConfig,
    network: AlexNet,
    optimiser: Optimizer,
    images: Images,
    index: Tensor,
    draw: Tensor,
    total: Tensor,
    ranks: ProcessGroup = SINGLE,
) -> Step:
    """A function that trains once on the images and draws that `index`, (B,), and `draw`, (B, DRAWS), hold when it is
    called, and adds the loss to `total`. Nothing in it waits for the device, which the job names."""
    layout, shared = network.layout, ranks.over(network)
    activations = _collected(network) if recipe.activation_penalty else None

    def step() -> None:
        inputs = augmentations.batch(images.canvas, index, draw, recipe.augmentation, layout.size, layout.pad)
        with autocast(job):
            loss = functional.cross_entropy(shared(inputs), images.labels[index])
            if activations is not None:
                loss = loss + recipe.activation_penalty * sum(a.abs().mean() for a in activations)
                activations.clear()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        total.add_(loss.detach())

    return _recorded(step) if job.device == "cuda" and ranks.size == 1 else step


def autocast(job: Trial | Timing) -> torch.autocast:
    return torch.autocast(job.device, torch.bfloat16, enabled=job.precision == "bfloat16")


def _collected(network: AlexNet) -> list[Tensor]:
    """A list that fills with each hidden activation of a training forward pass."""
    kept: list[Tensor] = []
    for _, module in network.activations():
        module.register_forward_hook(lambda module, inputs, output: kept.append(output) if module.training else None)
    return kept


@lru_cache
def _beside(device: int) -> torch.cuda.Stream:
    """One a process: libraries keep a workspace of tens of megabytes for every stream that they ever worked in."""
    return torch.cuda.Stream(device)


def _recorded(step: Step) -> Step:
    """The step as a CUDA graph: one launch for all of its kernels. Its first calls run as they are, beside the current
    stream, as `torch.cuda.graph` wants it."""
    graph, beside, calls = torch.cuda.CUDAGraph(), _beside(torch.cuda.current_device()), itertools.count()

    def call() -> None:
        number = next(calls)
        if number < EAGER:
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                step()
            torch.cuda.current_stream().wait_stream(beside)
            return
        if number == EAGER:
            with torch.cuda.graph(graph):
                step()  # records, and computes nothing
        graph.replay()

    return call
