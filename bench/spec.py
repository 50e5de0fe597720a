"""What can be asked of the bench: frozen values with an identity. Standard library only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bench import REVISION
from bench.layouts import LAYOUTS

ACTIVATIONS = ("relu", "tanh", "sigmoid", "k-winners")
NORMALISATIONS = ("none", "lrn", "lrn-rescaled", "constant", "batch")
DROPOUT_PLACES = ("fc", "conv", "all")
KERNELS = ("5x5", "pair", "pair-matched", "pair-linear")
AUGMENTATIONS = ("none", "mirror", "crop", "resized", "both", "document", "paper")
SCHEDULES = ("one-cycle", "constant", "plateau")
OPTIMISERS = ("adam", "sgd")
INITIAL = ("scaled", "paper")


class BadInput(ValueError):
    """What was given cannot be used. The message is one line: what is wrong, and how to mend it."""


def _one_of(name: str, value: str, levels: tuple[str, ...]) -> None:
    if value not in levels:
        raise BadInput(f"{name} is {value!r}; it can be {', '.join(levels)}")


def _removable(name: str, without: tuple[str, ...]) -> None:
    """Only 3x3 convolutions and the second hidden fully connected layer can be left out."""
    if not isinstance(without, tuple):
        example = (without,) if isinstance(without, str) else ("conv3",)
        raise BadInput(f"without is {without!r}: write the layers as a tuple, {example!r}")
    layout = LAYOUTS[name]
    possible = [c.name for c in layout.convs if c.kernel == 3] + [f"fc{len(layout.convs) + 2}"]
    if unknown := [layer for layer in without if layer not in possible]:
        raise BadInput(f"layout {name} cannot leave out {', '.join(map(str, unknown))}; it can: {', '.join(possible)}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(f"{name} is {value!r}; it must be a number between {low:g} and {high:g}")


def _whole(name: str, value: int, low: int, high: int) -> None:
    _within(name, value, low, high)
    if not isinstance(value, int):
        raise BadInput(f"{name} is {value!r}; it must be a whole number")


@dataclass(frozen=True)
class Model:
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
        _one_of("layout", self.layout, tuple(LAYOUTS))
        _one_of("activation", self.activation, ACTIVATIONS)
        _one_of("normalisation", self.normalisation, NORMALISATIONS)
        _one_of("dropout_place", self.dropout_place, DROPOUT_PLACES)
        _one_of("kernel", self.kernel, KERNELS)
        _one_of("initial", self.initial, INITIAL)
        _within("dropout", self.dropout, 0, 0.95)
        _within("width", self.width, 0.01, 8)
        _within("middle", self.middle, 0.01, 8)
        _whole("classes", self.classes, 2, 1_000_000)
        _removable(self.layout, self.without)
        _whole("extra", self.extra, 0, 100)
        _within("active", self.active, 0.001, 1)
        if self.active != 1 and self.activation != "k-winners":
            raise BadInput(f"active is {self.active!r} beside activation {self.activation!r}: only k-winners has it")


@dataclass(frozen=True)
class Recipe:
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
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("augmentation", self.augmentation, AUGMENTATIONS)
        _one_of("labels", self.labels, ("true", "shuffled"))
        _within("learning_rate", self.learning_rate, 1e-9, 100)
        _within("share", self.share, 1e-6, 1)
        _whole("epochs", self.epochs, 1, 100_000)
        _whole("batch", self.batch, 1, 1_000_000)
        _within("weight_decay", self.weight_decay, 0, 100)
        _within("activation_penalty", self.activation_penalty, -1e9, 1e9)


DOCUMENT_RECIPE = Recipe(learning_rate=1e-4, schedule="constant", weight_decay=1e-8, epochs=10, augmentation="document")


@dataclass(frozen=True)
class Data:
    """A data set: the digest of its decoded pixels and labels is its identity, the name is only shown.

    train: images left for training after validation was cut off. chance: the share of the test images that are of
    training's largest class, which is what guessing gets.
    """

    digest: str
    classes: int
    train: int = field(default=0, metadata={"tag": True})
    chance: float = field(default=0.0, metadata={"tag": True})
    name: str = field(default="", metadata={"tag": True})


@dataclass(frozen=True)
class Trial:
    """One training run."""

    model: Model
    recipe: Recipe
    data: Data
    seed: int
    device: str = "cpu"
    precision: str = "float32"


@dataclass(frozen=True)
class Count:
    """Parameters and multiply-accumulates of a network, a layer at a time; nothing is allocated."""

    model: Model


@dataclass(frozen=True)
class Timing:
    """Arms timed against each other, interleaved, in one process.

    subject: 'activations' (forward and backward of the arm's activation over `sizes` elements, beside a copy of
        the same bytes), 'steps' (a training step of each arm's network on a batch of `sizes` images) or
        'layers' (forward time of every layer of each arm's network, at each batch size).
    threads: of the processor; 0 takes one a core.
    """

    subject: str
    arms: tuple[tuple[str, Model], ...]
    sizes: tuple[int, ...]
    rounds: int
    device: str = "cpu"
    precision: str = "float32"
    threads: int = field(default=1, metadata={"birth": 1})

    def __post_init__(self) -> None:
        _whole("threads", self.threads, 0, 10_000)
        if self.subject == "activations" and any(model.activation == "k-winners" for _, model in self.arms):
            raise BadInput("k-winners is no function of one element: time its network's steps, not its kernel")


@dataclass(frozen=True)
class Probe:
    """A question to the weights of finished trials; it trains nothing."""

    question: str
    trials: tuple[Trial, ...]


Job = Trial | Count | Timing | Probe


def describe(value: Any) -> Any:
    """The fields that make up an identity, as JSON values: tags are left out, and so are later fields at birth."""
    if dataclasses.is_dataclass(value):
        levels = {f: getattr(value, f.name) for f in dataclasses.fields(value) if not f.metadata.get("tag")}
        return {
            f.name: float(level) if f.type == "float" else describe(level)
            for f, level in levels.items()
            if not ("birth" in f.metadata and level == f.metadata["birth"])
        }
    return [describe(item) for item in value] if isinstance(value, tuple) else value


def kind(job: Job) -> str:
    return type(job).__name__.lower()


def device(job: Job) -> str:
    """The kind of device that the job runs on; a count needs none."""
    if isinstance(job, Probe):
        return job.trials[0].device
    return "cpu" if isinstance(job, Count) else job.device


def identity(job: Job, revision: int = REVISION) -> str:
    """Sixteen hexadecimal digits that name what the job would measure."""
    text = json.dumps({"revision": revision, "kind": kind(job), "job": describe(job)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
