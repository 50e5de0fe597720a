"""Networks that study files declare, built with initial weights that arms share where name and shape agree.

A factory draws its weights from torch's global generator, by any way it likes. It is called twice: the first time every
random operation is traced to the parameter that it ends in, the second time each starts from a seed of that parameter.
"""

from collections import Counter
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, UntypedStorage, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.components.networks import NETWORKS, check_factors
from bench.models.user_error import describe_user_error
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.seeding import stream_seed
from bench.system.process_settings import keep_process_settings


class _Draw(NamedTuple):
    """A random operation: the storage that it fills, from an offset, and the shape."""

    storage: int
    offset: int
    shape: tuple[int, ...]


def build(config: ModelConfig, seed: int) -> nn.Module:
    """Build a declared network with its initial weights; torch's global generator stays as it is.

    Raises:
        InputError: The factory fails, makes no module, or draws different numbers when it is called again.
    """
    streams = _find_streams(config)
    mode = _SeedDraws(seed, streams)
    network = _call_factory(config, mode)
    if mode.shapes != [shape for _, shape in streams]:
        raise InputError(f"{config.title} draws other random numbers when it is built again: use torch's alone")
    return network


@cache
def _find_streams(config: ModelConfig) -> list[tuple[str, tuple[int, ...]]]:
    """Return the name of the stream and the shape of each random operation of a factory, in order."""
    mode = _TraceDraws()
    network = _call_factory(config, mode)
    tensors = list(chain(network.named_parameters(), network.named_buffers()))
    if lazy := [name for name, tensor in tensors if nn.parameter.is_lazy(tensor)]:
        raise InputError(f"{config.title}: {lazy[0]} has no size yet: use modules that are not lazy")
    owners: dict[int, tuple[str, int]] = {}
    for name, tensor in tensors:
        storage = tensor.untyped_storage().data_ptr()
        for number in mode.origins.get(storage, ()):
            owners.setdefault(number, (name, storage))
    counts, streams = Counter[str](), []
    for number, draw in enumerate(mode.draws):
        name, storage = owners.get(number, ("", 0))
        stream = f"weights/{name}" if name else f"draws/{'x'.join(map(str, draw.shape))}"
        stream += f"/{draw.offset}" * (draw.storage == storage and draw.offset > 0)
        counts[stream] += 1
        streams.append((stream + f" {counts[stream]}" * (counts[stream] > 1), draw.shape))
    return streams


def _call_factory(config: ModelConfig, mode: TorchDispatchMode) -> nn.Module:
    declaration = NETWORKS[config.network]
    levels = check_factors(declaration.factors, dict(config.factors))
    with torch.random.fork_rng(devices=[]), keep_process_settings():
        torch.default_generator.manual_seed(0)
        try:
            with mode:
                network = declaration.build(classes=config.classes, **levels)
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(f"{config.title} cannot be built: {describe_user_error(error)}") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{config.title} must return an nn.Module: it returned {type(network).__name__}")
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise InputError(f"{config.title} holds a module of torch.jit, which cannot be measured: return it unscripted")
    return network


class _DrawMode(TorchDispatchMode):
    """Calls `begin` before each random operation on torch's global generator, and `end` after each operation."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation."""
        kwargs = kwargs or {}
        is_draw = torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None
        if is_draw:
            self.begin()
        output = func(*args, **kwargs)
        self.end(is_draw, _tensors((args, kwargs)), _tensors(output))
        return output

    def begin(self) -> None:
        """Prepare a random operation."""

    def end(self, is_draw: bool, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Note the result of an operation."""


class _TraceDraws(_DrawMode):
    """Notes every random operation, and which of them the content of each storage depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[_Draw] = []
        self.origins: dict[int, set[int]] = {}  # numbers of draws by the address of a storage
        self.kept: list[UntypedStorage] = []  # an address names a storage only as long as it exists

    def end(self, is_draw: bool, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Note a draw, and that the outputs depend on what the inputs depend on."""
        numbers = set[int]().union(*(self.origins.get(t.untyped_storage().data_ptr(), ()) for t in inputs))
        if is_draw:
            numbers.add(len(self.draws))
            self.draws.append(_Draw(_address(outputs[0]), int(outputs[0].storage_offset()), tuple(outputs[0].shape)))
        for output in outputs if numbers else ():
            if (address := _address(output)) not in self.origins:
                self.kept.append(output.untyped_storage())
            self.origins.setdefault(address, set()).update(numbers)


class _SeedDraws(_DrawMode):
    """Seeds torch's global generator by its stream before each random operation."""

    def __init__(self, seed: int, streams: list[tuple[str, tuple[int, ...]]]) -> None:
        super().__init__()
        self.seed, self.streams = seed, iter(streams)
        self.shapes: list[tuple[int, ...]] = []

    def begin(self) -> None:
        """Seed the next operation."""
        stream, _ = next(self.streams, ("", ()))
        torch.default_generator.manual_seed(stream_seed(self.seed, stream))

    def end(self, is_draw: bool, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Note the shape of a draw."""
        if is_draw:
            self.shapes.append(tuple(outputs[0].shape))


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
