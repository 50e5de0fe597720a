"""Many forward passes of a network under new dropout masks; modules before the first dropout are computed once."""

from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from bench.models.network import Network
from bench.models.roles import is_active_dropout

Outputs = dict[nn.Module, list[Tensor]]  # of each run of a module in one pass, as far as the first dropout


class _FirstDropoutError(Exception):
    """Ends a forward pass at the first dropout."""


def masked_passes(network: Network, images: Tensor, count: int) -> Iterator[Tensor]:
    """Yield the outputs, (N, classes), of passes of the same images, each with its own dropout masks.

    All modules but dropout are in eval mode. The outputs of modules before the first dropout are the same in every
    pass, and are kept. A rehearsal shows whether kept outputs give the same result, to the bit; a network in which they
    do not, since it overwrites what it still needs, computes everything in every pass.

    Args:
        network: The network.
        images: The images, (N, 3, size, size).
        count: Number of passes.
    """
    network.eval()
    for module in network.modules():
        if is_active_dropout(module):
            module.train()
    outputs, expected = _record_outputs(network, images), _rehearse(network, images)
    versions = _versions(outputs)
    with _replay(network, outputs):
        is_same = torch.equal(_rehearse(network, images), expected)
    overwritten = {run for run, version in _versions(outputs).items() if version != versions[run]}
    if overwritten:
        outputs = _record_outputs(network, images)
    with _replay(network, outputs if is_same else {}, overwritten):
        for _ in range(count):
            yield network(images)


def _rehearse(network: Network, images: Tensor) -> Tensor:
    """Return the network's output with the next dropout masks, which stay the next ones."""
    with torch.random.fork_rng([images.device] if images.is_cuda else []):
        output: Tensor = network(images)
        return output


def _record_outputs(network: Network, images: Tensor) -> Outputs:
    """Return the outputs of all modules without children that run before the first dropout."""
    outputs: Outputs = {}

    def record(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, Tensor):
            outputs.setdefault(module, []).append(output)

    def end(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        raise _FirstDropoutError

    with ExitStack() as hooks:
        for module in network.modules():
            if is_active_dropout(module):
                hooks.enter_context(module.register_forward_pre_hook(end))
            elif not any(module.children()):
                hooks.enter_context(module.register_forward_hook(record))
        with suppress(_FirstDropoutError):
            network(images)
    return outputs


def _versions(outputs: Outputs) -> dict[tuple[nn.Module, int], int]:
    """Return the number of changes of every kept output so far."""
    return {(module, run): kept._version for module in outputs for run, kept in enumerate(outputs[module])}


@contextmanager
def _replay(
    network: Network, outputs: Outputs, overwritten: Set[tuple[nn.Module, int]] = frozenset()
) -> Iterator[None]:
    """Let modules return kept outputs instead of computing them, copies of those that the network overwrites."""
    runs = Counter[nn.Module]()

    def replaced(module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            run = runs[module]
            runs[module] += 1
            if run >= len(outputs[module]):
                return forward(*args, **kwargs)
            kept = outputs[module][run]
            return kept.clone() if (module, run) in overwritten else kept

        return call

    handle = network.register_forward_pre_hook(lambda network, inputs: runs.clear())
    for module in outputs:
        module.forward = replaced(module, module.forward)  # type: ignore[method-assign]
    try:
        yield
    finally:
        handle.remove()
        for module in outputs:
            del module.forward
