"""What can be asked of the bench: frozen values with an identity. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.components.layouts import LAYOUTS
from bench.spec.errors import InputError
from bench.spec.fields import one_of, whole, within

ACTIVATIONS = ("relu", "tanh", "sigmoid", "k-winners")
NORMALISATIONS = ("none", "lrn", "lrn-rescaled", "constant", "batch")
DROPOUT_PLACES = ("fc", "conv", "all")
KERNELS = ("5x5", "pair", "pair-matched", "pair-linear")
AUGMENTATIONS = ("none", "mirror", "crop", "resized", "both", "document", "paper")
SCHEDULES = ("one-cycle", "constant", "plateau")
OPTIMISERS = ("adam", "sgd")
INITIAL = ("scaled", "paper")


def _removable(name: str, without: tuple[str, ...]) -> None:
    """Only 3x3 convolutions and the second hidden fully connected layer can be left out."""
    if not isinstance(without, tuple):
        example = (without,) if isinstance(without, str) else ("conv3",)
        raise InputError(f"without is {without!r}: write the layers as a tuple, {example!r}")
    layout = LAYOUTS[name]
    possible = [c.name for c in layout.convs if c.kernel == 3] + [f"fc{len(layout.convs) + 2}"]
    if unknown := [layer for layer in without if layer not in possible]:
        raise InputError(
            f"layout {name} cannot leave out {', '.join(map(str, unknown))}; it can: {', '.join(possible)}"
        )


@dataclass(frozen=True)
class ModelConfig:
    """A network: a layout and the levels of its factors.

    layout: the document's 32x32 network, Zhang's for 28x28 crops (arXiv 1611.03530), the ungrouped and the
        two-group network for 227x227 (Krizhevsky et al. 2012, section 3.5), the latter for 128x128 (Mishkin et al.
        2017, section 2.1), or torchvision's for 224x224.
    width: multiplies every layer's channels and units, the output excepted.
    activation: 'k-winners' keeps an image's largest responses in each layer, the share `active` of them, and silences
        the rest.
    normalisation: 'lrn' as in the paper (section 3.3), 'lrn-rescaled' with alpha rescaled from 0-255 pixels to
        our inputs in -1..1, 'constant' (times 2^-0.75), or 'batch' before every hidden activation.
    dropout: probability; dropout_place: before or after the layout's hidden fully connected layers, after each
        convolution's activation, or both.
    kernel: what stands for each 5x5 convolution; middle: the width between a pair, relative to its output.
    without: names of layers left out; extra: 3x3 convolutions added behind the last one.
    initial: weights 'scaled' to the layer and its activation, or the 'paper' deviation of 0.01 with biases of one
        (section 5).
    """

    layout: str = "document"
    classes: int = 10
    width: float = 1.0
    activation: str = "relu"
    dropout: float = 0.5
    dropout_place: str = "fc"
    normalisation: str = "none"
    kernel: str = "5x5"
    middle: float = 1.0
    without: tuple[str, ...] = ()
    extra: int = 0
    active: float = field(default=1.0, metadata={"birth": 1.0})
    initial: str = field(default="scaled", metadata={"birth": "scaled"})

    def __post_init__(self) -> None:
        if isinstance(self.without, list):  # as a record has it
            object.__setattr__(self, "without", tuple(self.without))
        one_of("layout", self.layout, tuple(LAYOUTS))
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("normalisation", self.normalisation, NORMALISATIONS)
        one_of("dropout_place", self.dropout_place, DROPOUT_PLACES)
        one_of("kernel", self.kernel, KERNELS)
        one_of("initial", self.initial, INITIAL)
        within("dropout", self.dropout, 0, 0.95)
        within("width", self.width, 0.01, 8)
        within("middle", self.middle, 0.01, 8)
        whole("classes", self.classes, 2, 1_000_000)
        _removable(self.layout, self.without)
        whole("extra", self.extra, 0, 100)
        within("active", self.active, 0.001, 1)
        if self.active != 1 and self.activation != "k-winners":
            raise InputError(f"active is {self.active!r} beside activation {self.activation!r}: only k-winners has it")


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. The defaults are the tuned recipe; DOCUMENT_RECIPE is the document's own.

    share: of the training images that are left after validation, stratified; the same images for every seed.
    activation_penalty: weight of the mean absolute activation, summed over hidden layers, in the loss; below zero it
        rewards activity.
    schedule: 'plateau' divides the rate by ten where validation stalls, as the paper did by hand (section 5).
    optimiser: 'adam', or 'sgd' with a momentum of 0.9 (section 5).
    """

    learning_rate: float = 2e-3
    schedule: str = "one-cycle"
    weight_decay: float = 0.0
    batch: int = 128
    epochs: int = 20
    share: float = 1.0
    augmentation: str = "both"
    labels: str = "true"
    activation_penalty: float = 0.0
    optimiser: str = field(default="adam", metadata={"birth": "adam"})

    def __post_init__(self) -> None:
        one_of("schedule", self.schedule, SCHEDULES)
        one_of("optimiser", self.optimiser, OPTIMISERS)
        one_of("augmentation", self.augmentation, AUGMENTATIONS)
        one_of("labels", self.labels, ("true", "shuffled"))
        within("learning_rate", self.learning_rate, 1e-9, 100)
        within("share", self.share, 1e-6, 1)
        whole("epochs", self.epochs, 1, 100_000)
        whole("batch", self.batch, 1, 1_000_000)
        within("weight_decay", self.weight_decay, 0, 100)
        within("activation_penalty", self.activation_penalty, -1e9, 1e9)


DOCUMENT_RECIPE = TrainConfig(
    learning_rate=1e-4, schedule="constant", weight_decay=1e-8, epochs=10, augmentation="document"
)


@dataclass(frozen=True)
class DataConfig:
    """A data set: the digest of its decoded pixels and labels is its identity, the name is only shown.

    train: images left for training after validation was cut off. chance: the share of the test images that are of
    training's largest class, which is what guessing gets.
    """

    digest: str
    classes: int
    train: int = field(default=0, metadata={"tag": True})
    chance: float = field(default=0.0, metadata={"tag": True})
    name: str = field(default="", metadata={"tag": True})
