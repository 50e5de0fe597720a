"""Roles of modules by their types: activations, normalisations, dropout and pooling."""

from torch import nn

ROLES = {  # by the module of torch that defines the type of a network's module, or a type that it extends
    "torch.nn.modules.activation": "activation",
    "torch.nn.modules.batchnorm": "normalisation",
    "torch.nn.modules.instancenorm": "normalisation",
    "torch.nn.modules.normalization": "normalisation",
    "torch.nn.modules.dropout": "dropout",
    "torch.nn.modules.pooling": "pooling",
}
NOT_ELEMENTWISE = (nn.MultiheadAttention, nn.GLU, nn.Softmin, nn.Softmax, nn.Softmax2d, nn.LogSoftmax)

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def find_roles(network: nn.Module) -> dict[str, str]:
    """Return the role of each module that has one, by its path, in the order of declaration."""
    return {path: role for path, module in network.named_modules() if (role := _role(module))}


def is_active_dropout(module: nn.Module) -> bool:
    """Whether a module drops units in training."""
    return isinstance(module, DROPOUTS) and module.p > 0


def _role(module: nn.Module) -> str:
    if isinstance(module, NOT_ELEMENTWISE):
        return ""
    return next((ROLES[base.__module__] for base in type(module).__mro__ if base.__module__ in ROLES), "")
