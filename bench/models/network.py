"""A network behind one interface: AlexNet, or the module that a study file's function makes."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from bench.components.networks import NETWORKS, input_shape
from bench.models import alexnet, declared
from bench.models.roles import find_roles
from bench.spec.config import ModelConfig
from bench.spec.errors import InputError
from bench.spec.fields import list_names

Observer = Callable[[str, nn.Module, Tensor], None]


class Network(nn.Module):
    """A network that is trained and measured.

    Input: (N, 3, size, size) float32 in -1..1. Output: (N, classes) logits.

    Attributes:
        module: AlexNet, or the declared module; stored weights are its `state_dict`.
        size: Side of the input, pixels.
        pad: Pixels that training images are padded with on each side before a crop.
        prefix: Begins the paths of AlexNet's modules, and is not part of the names of its layers.
        roles: 'activation', 'normalisation', 'dropout' or 'pooling' by the path of each module that is one.

    Raises:
        InputError: A level is unknown, or an activation that the declaration names is no module of the network.
    """

    def __init__(self, config: ModelConfig, module: nn.Module) -> None:
        super().__init__()
        shape, self.module = input_shape(config), module
        self.size, self.pad, self.prefix = shape.size, shape.pad, ""
        if isinstance(module, alexnet.AlexNet):
            self.prefix = "layers."
            self.roles = {self.prefix + name: role for name, role in module.roles().items()}
            self._activation_paths = {f"layers.{name}_act": name for name, _ in module.activations()}
            self._weight_paths = {f"layers.{name}.weight": name for name in module.gains}
            return
        self.roles = find_roles(module)
        self._activation_paths = {path: path for path in _list_activations(config, module, self.roles)}
        named = [path for path in self._activation_paths if not any(module.get_submodule(path).children())]
        self.roles |= dict.fromkeys(named, "activation")
        weights = [path for path, weight in module.named_parameters() if weight.ndim > 1 and weight.requires_grad]
        self._weight_paths = {path: path.removesuffix(".weight") for path in weights}

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.module(images)

    def weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the name and the weights of each layer, without biases, first to last."""
        for path, name in self._weight_paths.items():
            yield name, self.module.get_parameter(path)

    def parts(self) -> tuple[nn.Module, nn.Module]:
        """Return AlexNet's convolutional part, and its fully connected part, which takes flattened maps.

        Raises:
            InputError: The network is a declared one.
        """
        if not isinstance(self.module, alexnet.AlexNet):
            raise InputError("only AlexNet is timed part by part: time the whole step of this network")
        return self.module.parts()

    def hook_activations(self, observe: Observer) -> list[RemovableHandle]:
        """Call a function with the name, module and output of each hidden activation of every forward pass.

        The second run of a module in one pass is named 'name 2', and so on. A later module may overwrite the output.

        Returns:
            Handles that remove the hooks; each is a context manager, too.
        """
        runs = Counter[str]()

        def hook(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
            def call(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
                if not isinstance(output, Tensor):
                    raise InputError(f"activation {name} returns {type(output).__name__}: it must return one tensor")
                runs[name] += 1
                observe(name if runs[name] == 1 else f"{name} {runs[name]}", module, output)

            return call

        handles = [
            self.module.get_submodule(path).register_forward_hook(hook(name))
            for path, name in self._activation_paths.items()
        ]
        return [self.register_forward_pre_hook(lambda network, inputs: runs.clear()), *handles]


def build(config: ModelConfig, seed: int) -> Network:
    """Build a network with its initial weights, which depend on the seed and on the names and shapes of its layers."""
    return Network(config, (declared if config.is_declared else alexnet).build(config, seed))


def outline(config: ModelConfig) -> Network:
    """Build a network for its structure alone: AlexNet without memory, on the meta device, a declared one on the CPU.

    It is in eval mode.
    """
    if config.is_declared:
        return build(config, 0).eval()
    with torch.device("meta"):
        return Network(config, alexnet.AlexNet(config)).eval().requires_grad_(False)


def _list_activations(config: ModelConfig, module: nn.Module, roles: dict[str, str]) -> list[str]:
    """Paths of a declared network's hidden activations: those that it names, else all activation modules."""
    named = NETWORKS[config.network].activations
    paths = [path for path, _ in module.named_modules() if path]
    if unknown := [path for path in named if path not in paths]:
        problem = f"{config.title}: activations names {unknown[0]!r}, which is no module of it"
        raise InputError(f"{problem}; there are {list_names(paths)}")
    return list(named) or [path for path, role in roles.items() if role == "activation"]
