"""Facts about a network that a dry forward pass shows, and the check of a declared network before anything trains."""

import hashlib
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from bench.models.network import Network, build, outline
from bench.models.roles import is_active_dropout
from bench.models.user_error import explain_user_error
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError

IMAGES = 4
MAX_NAMED = 3  # parameters in a message


class NetworkFacts(NamedTuple):
    """What a network has.

    Attributes:
        activations: Number of dimensions of each hidden activation, by layer.
        has_dropout: Whether a dropout module drops units.
        has_batch_norm: Whether a module normalises over the images of a batch.
    """

    activations: dict[str, int]
    has_dropout: bool
    has_batch_norm: bool


@cache
def find_facts(model: ModelConfig) -> NetworkFacts:
    """Find out what a network has, by a forward pass of one image."""
    network = outline(model)
    activations: dict[str, int] = {}
    network.hook_activations(lambda name, module, output: activations.update({name: output.ndim}))
    with torch.random.fork_rng(devices=[]), torch.no_grad(), next(network.parameters()).device:
        network(torch.zeros(1, 3, network.size, network.size))
    modules = list(network.modules())
    has_batch_norm = any(isinstance(module, _BatchNorm) for module in modules)
    return NetworkFacts(activations, any(map(is_active_dropout, modules)), has_batch_norm)


@cache
def check_network(model: ModelConfig) -> str:
    """Build a declared network twice, and pass a few random images forward and backward.

    Returns:
        A digest of its outputs in training and in evaluation: equal ones mean that two networks compute the same.

    Raises:
        InputError: The factory or a pass fails, the network depends on more than its seed, its output is of another
            shape than (N, classes), or no gradient reaches a parameter.
    """
    network = build(model, 0).to(memory_format=torch.channels_last)
    network.hook_activations(lambda name, module, output: None)
    if difference := _find_difference(network, build(model, 0)):
        raise InputError(f"{model.title} differs in {difference} when it is built again: draw by torch alone")
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(IMAGES, 3, network.size, network.size, generator=generator) * 2 - 1
    images = images.contiguous(memory_format=torch.channels_last)
    failure = f"{model.title} fails in {{}} with images of {network.size} pixels"
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        with explain_user_error(failure.format("training")):
            output = network.train()(images)
        _check_output(model, output)
        with explain_user_error(failure.format("the backward pass")):
            functional.cross_entropy(output, torch.arange(IMAGES) % model.classes).backward()
        _check_gradients(model, network)
        with explain_user_error(failure.format("evaluation")), torch.no_grad():
            first, second = (network.eval()(images) for _ in range(2))
        _check_output(model, first)
    if not torch.equal(first, second):
        raise InputError(f"{model.title} gives other outputs for the same images in eval mode: it must not draw there")
    return hashlib.sha256(repr([output.tolist(), first.tolist()]).encode()).hexdigest()


def _find_difference(network: Network, other: Network) -> str:
    """Name the first parameter or buffer in which two networks differ; '' if there is none."""
    ours, theirs = (dict(chain(n.module.named_parameters(), n.module.named_buffers())) for n in (network, other))
    if list(ours) != list(theirs):
        return "its modules"
    pairs = ((name, tensor, theirs[name]) for name, tensor in ours.items())
    return next((name for name, a, b in pairs if a.shape != b.shape or not torch.allclose(a, b, 0, 0, True)), "")


def _check_output(model: ModelConfig, output: Any) -> None:
    expected = f"expected (N, {model.classes}), a number for each class"
    if not isinstance(output, Tensor):
        raise InputError(f"{model.title} returns {type(output).__name__}: {expected}")
    if output.shape != (IMAGES, model.classes):
        shape = ", ".join("N" if n == 0 and size == IMAGES else str(size) for n, size in enumerate(output.shape))
        raise InputError(f"{model.title} returns the shape ({shape}): {expected}")


def _check_gradients(model: ModelConfig, network: Network) -> None:
    parameters = [(name, p) for name, p in network.module.named_parameters() if p.requires_grad]
    if unreached := [name for name, parameter in parameters if parameter.grad is None]:
        others = f" and {len(unreached) - MAX_NAMED} others" * (len(unreached) > MAX_NAMED)
        problem = f"no gradient reaches {', '.join(unreached[:MAX_NAMED])}{others}"
        raise InputError(f"{model.title}: {problem}: use each parameter in the forward pass, or remove it")
