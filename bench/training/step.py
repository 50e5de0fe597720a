"""One training step: run directly on a CPU, recorded once as a CUDA graph and replayed on a GPU."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bench.components.augmentations import AUGMENTATIONS, Batch
from bench.components.losses import LOSSES
from bench.data.image_sets import ResidentImages
from bench.models.network import Network
from bench.spec.config import TrainConfig
from bench.spec.jobs import Timing, Trial
from bench.system.process_group import SINGLE, ProcessGroup

Step = Callable[[], None]
EAGER_STEPS = 3  # number of steps before recording, in which libraries choose kernels and the optimiser makes its state


@dataclass(frozen=True)
class StepMemory:
    """Memory that every step reads and writes. It never moves, so that a GPU can replay the step as a graph.

    Attributes:
        images: All images of the split, or those of the batch.
        index: (B,) int64, positions of the batch in `images`.
        draws: (B, draws per image) float32, random numbers of the augmentation.
        total_loss: Scalar to which each step adds its loss.
    """

    images: ResidentImages
    index: Tensor
    draws: Tensor
    total_loss: Tensor


def make_step(
    job: Trial | Timing,
    recipe: TrainConfig,
    network: Network,
    optimizer: Optimizer,
    memory: StepMemory,
    group: ProcessGroup = SINGLE,
) -> Step:
    """Make a function that performs one training step on the batch in `memory`, without waiting for the device.

    Args:
        job: The job, for its device and precision.
        recipe: The recipe, for its augmentation, loss and activation penalty.
        network: The network, on the device.
        optimizer: Optimiser of the network's parameters.
        memory: Memory from which the step reads its batch.
        group: The processes that train together.
    """
    replica = group.average_gradients(network)
    augment, criterion = AUGMENTATIONS[recipe.augmentation].apply, LOSSES[recipe.loss]
    activities = _collect_activities(network) if recipe.activation_penalty else None

    def step() -> None:
        inputs = augment(Batch(memory.images.canvas, memory.index, memory.draws, network.size, network.pad))
        with autocast(job):
            loss = criterion(replica(inputs), memory.images.labels[memory.index])
            if activities is not None:
                loss = loss + recipe.activation_penalty * sum(activities)
                activities.clear()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        memory.total_loss.add_(loss.detach())

    return _record_graph(step) if job.device == "cuda" and group.size == 1 else step


def autocast(job: Trial | Timing) -> torch.autocast:
    """Return the context in which networks compute at the job's precision."""
    return torch.autocast(job.device, torch.bfloat16, enabled=job.precision == "bfloat16")


def _collect_activities(network: Network) -> list[Tensor]:
    """Return a list to which each training forward pass appends the mean absolute activation of each hidden layer."""
    activities: list[Tensor] = []

    def observe(layer: str, module: nn.Module, output: Tensor) -> None:
        if module.training:
            activities.append(output.abs().mean())

    network.hook_activations(observe)
    return activities


@lru_cache
def _side_stream(device: int) -> torch.cuda.Stream:
    """Return the process's only side stream: libraries keep tens of megabytes of workspace for every stream."""
    return torch.cuda.Stream(device)


def _record_graph(step: Step) -> Step:
    """Turn the step into a CUDA graph: one launch for all of its kernels.

    The first calls run eagerly on a side stream, as `torch.cuda.graph` requires.
    """
    graph, side_stream, calls = torch.cuda.CUDAGraph(), _side_stream(torch.cuda.current_device()), itertools.count()

    def call() -> None:
        call_index = next(calls)
        if call_index < EAGER_STEPS:
            side_stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side_stream):
                step()
            torch.cuda.current_stream().wait_stream(side_stream)
            return
        if call_index == EAGER_STEPS:
            with torch.cuda.graph(graph):
                step()  # this call is recorded, not computed
        graph.replay()

    return call
