"""Configuration of networks, training and data: frozen values whose fields make up a job's identity.

Standard library only. Levels of factors are names, which `bench.components.levels` checks against what is implemented.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.spec.errors import InputError
from bench.spec.fields import factor_levels, layer_names, level_names, one_of, whole, within
from bench.spec.qualified_names import plain_name

ALEXNET = "alexnet"  # the network that the fields of `ModelConfig` describe
LABELS = ("true", "shuffled")
MAX_EVALUATED_EPOCHS = 900  # a record holds a point for each, and at most 1,000


@dataclass(frozen=True)
class ModelConfig:
    """A network: AlexNet in a layout with the levels of its factors, or a network that a study file declares.

    Attributes:
        layout: Order and sizes of layers. For 32x32: 'alexnet-32', AlexNet's layers and channels; 'four-layer'
            (Krizhevsky et al. 2012, figure 1); 'document', the article's network, and 'document-pooled', with pooling
            after conv2 too. 'zhang' for 28x28 crops (arXiv 1611.03530), 'ungrouped' and 'two-group' for 227x227
            (Krizhevsky et al. 2012, section 3.5), 'caffenet-128' for 128x128 (Mishkin et al. 2017, section 2.1),
            'torchvision' for 224x224.
        classes: Outputs.
        width: Multiplies the channels and units of every layer but the output.
        activation: Activation of every hidden layer.
        dropout: Probability that a unit is dropped.
        dropout_place: At the hidden fully connected layers ('fc'), after each convolution ('conv'), or both ('all').
        normalisation: 'lrn' is the paper's (section 3.3), 'batch' precedes every hidden activation.
        kernel: Replacement for the 5x5 convolutions that the layout marks as replaceable.
        middle: Width between a pair of 3x3 convolutions, relative to the pair's output.
        without: Names of layers left out.
        extra: Number of 3x3 convolutions added after the last one.
        active: Share of units that 'k-winners' keeps.
        initial: Initial weights: 'scaled' to layer and activation, 'glorot' to the layer alone, those of the 'paper'
            (section 5), or of the 'four-layer' network.
        inputs: Images 'scaled' to -1..1, or 'pixels' in 0..255 less the training images' mean of each colour.
        network: 'alexnet', or the qualified name of a declared network, to which `factors` and `classes` alone apply.
        factors: Levels of the declared network's factors, by name, in the order of its declaration.
    """

    layout: str = "alexnet-32"
    classes: int = 10
    width: float = 1.0
    activation: str = "relu"
    dropout: float = 0.0
    dropout_place: str = "fc"
    normalisation: str = "none"
    kernel: str = "5x5"
    middle: float = 1.0
    without: tuple[str, ...] = ()
    extra: int = 0
    active: float = field(default=1.0, metadata={"birth": 1.0})
    initial: str = field(default="scaled", metadata={"birth": "scaled"})
    inputs: str = field(default="scaled", metadata={"birth": "scaled"})
    network: str = field(default=ALEXNET, metadata={"birth": ALEXNET})
    factors: tuple[tuple[str, bool | int | float | str], ...] = field(default=(), metadata={"birth": ()})

    def __post_init__(self) -> None:
        if isinstance(self.without, list):  # records hold lists
            object.__setattr__(self, "without", tuple(self.without))
        if isinstance(self.factors, list):
            pairs = (tuple(pair) if isinstance(pair, list) else pair for pair in self.factors)
            object.__setattr__(self, "factors", tuple(pairs))
        names = "layout", "activation", "normalisation", "dropout_place", "kernel", "initial", "inputs", "network"
        level_names(self, *names)
        layer_names("without", self.without)
        factor_levels("factors", self.factors)
        within("dropout", self.dropout, 0, 0.95)
        within("width", self.width, 0.01, 8)
        within("middle", self.middle, 0.01, 8)
        whole("classes", self.classes, 2, 1_000_000)
        whole("extra", self.extra, 0, 100)
        within("active", self.active, 0.001, 1)

    @property
    def is_declared(self) -> bool:
        """Whether a study file declares the network."""
        return self.network != ALEXNET

    @property
    def architecture(self) -> tuple[str, str]:
        """The field that names layers and their order, and its level: AlexNet's layout, or the declared network."""
        return ("network", self.network) if self.is_declared else ("layout", self.layout)

    @property
    def title(self) -> str:
        """Its name in a message, without a digest: 'network resnet' or 'layout zhang'."""
        field_name, level = self.architecture
        return f"{field_name} {plain_name(level)}"


def model_levels(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the level of each factor that applies to a network, from the fields of its `ModelConfig`."""
    if fields.get("network", ALEXNET) == ALEXNET:
        return {name: level for name, level in fields.items() if name not in ("network", "factors")}
    return {"network": fields["network"], "classes": fields["classes"], **dict(fields["factors"])}


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. The defaults are the plain baseline; DOCUMENT_RECIPE is the article's own.

    Attributes:
        learning_rate: The highest of the schedule.
        schedule: How the learning rate changes during training.
        weight_decay: Coefficient of the L2 penalty.
        batch: Images in a step.
        epochs: Passes through the training images.
        share: Share of the training images left after validation; stratified, the same images for every seed.
        augmentation: How training images are augmented.
        labels: 'true', or 'shuffled' as a control.
        activation_penalty: Weight in the loss of the mean absolute activation, summed over hidden layers; below zero it
            rewards activity.
        optimiser: 'adam', or 'sgd' with momentum.
        until_error: Training ends after the first epoch whose error on a sample of the training images is at most this;
            0 for all epochs.
        loss: The loss that a step reduces.
    """

    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    weight_decay: float = 0.0
    batch: int = 128
    epochs: int = 20
    share: float = 1.0
    augmentation: str = "none"
    labels: str = "true"
    activation_penalty: float = 0.0
    optimiser: str = field(default="adam", metadata={"birth": "adam"})
    until_error: float = field(default=0.0, metadata={"birth": 0.0})
    loss: str = field(default="cross-entropy", metadata={"birth": "cross-entropy"})

    def __post_init__(self) -> None:
        level_names(self, "schedule", "optimiser", "augmentation", "loss")
        one_of("labels", self.labels, LABELS)
        within("learning_rate", self.learning_rate, 1e-9, 100)
        within("share", self.share, 1e-6, 1)
        whole("epochs", self.epochs, 1, 100_000)
        whole("batch", self.batch, 1, 1_000_000)
        within("weight_decay", self.weight_decay, 0, 100)
        within("activation_penalty", self.activation_penalty, -1e9, 1e9)
        within("until_error", self.until_error, 0, 1)
        if self.until_error and self.epochs > MAX_EVALUATED_EPOCHS:
            raise InputError(
                f"epochs is {self.epochs} beside until_error, which evaluates each: it must be at most "
                f"{MAX_EVALUATED_EPOCHS}"
            )


DOCUMENT_RECIPE = TrainConfig(
    learning_rate=1e-4, schedule="constant", weight_decay=1e-8, epochs=10, augmentation="document"
)


@dataclass(frozen=True)
class DataConfig:
    """A data set, identified by the digest of its decoded pixels and labels; all other fields are only shown.

    Attributes:
        digest: Sixteen hexadecimal digits.
        classes: Number of classes.
        train: Images left for training after validation was set aside.
        chance: Share of the test images that are of the largest training class: the accuracy of guessing.
        name: Name shown to people.
    """

    digest: str
    classes: int
    train: int = field(default=0, metadata={"tag": True})
    chance: float = field(default=0.0, metadata={"tag": True})
    name: str = field(default="", metadata={"tag": True})
