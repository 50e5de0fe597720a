"""Does ReLU ease vanishing gradients, so that deeper networks train? (Glorot et al. 2011; Glorot & Bengio 2010)."""

from ablations import Claim, Contrast, Levels, Scale, Study, designs

GRADIENT = "gradient/first_to_last/start"
DEPTHS: dict[int, Levels] = {
    8: {},
    12: {"extra": 4},
    4: {"without": ("conv3", "conv4", "conv5", "fc7")},
    6: {"without": ("conv3", "conv4")},
}
ACTIVATIONS = ("relu", "tanh", "sigmoid")


def arm(activation: str, layers: int) -> str:
    """Return the name of the arm with an activation and a number of layers."""
    return f"{activation}, {layers} layers"


def arms(suffix: str = "", depths: tuple[int, ...] = tuple(DEPTHS), **levels: str) -> dict[str, Levels]:
    """Return an arm for each activation and number of layers, with further levels that the suffix names."""
    return {
        arm(activation, layers) + suffix: {"activation": activation, **DEPTHS[layers], **levels}
        for layers in depths
        for activation in ACTIVATIONS
    }


STUDY = Study(
    question="How much of the gradient reaches the first layer, and how deep a network trains, with each activation?",
    base={"initial": "glorot"},
    arms={
        **arms(),
        **arms(", scaled weights", (12,), initial="scaled"),
        **arms(", batch normalisation", (12,), normalisation="batch"),
        **designs.own_rate_arms(arms(depths=(12,))),
    },
    tuning=designs.rate_tuning(arms(depths=(12,))),
    scale=Scale(
        "Layers",
        {activation: {arm(activation, layers): layers for layers in sorted(DEPTHS)} for activation in ACTIVATIONS},
        metrics=("test/accuracy", GRADIENT),
    ),
    claims=(
        Claim(
            "relu-gradient",
            "ReLU eases vanishing gradients, so that deeper networks train",
            setting="the house network with 8 and 12 layers, all activations from Glorot's initial weights",
            stated=(
                *(
                    Contrast(GRADIENT, arm("relu", layers), arm(other, layers), margin=2, ratio=True)
                    for layers in (8, 12)
                    for other in ("sigmoid", "tanh")
                ),
                Contrast("test/accuracy", arm("relu", 12), arm("sigmoid", 12), margin=1),
            ),
            beyond={
                "accuracy, against tanh": Contrast("test/accuracy", arm("relu", 12), arm("tanh", 12), margin=1),
                "accuracy, weights scaled to each activation": Contrast(
                    "test/accuracy", "relu, 12 layers, scaled weights", "sigmoid, 12 layers, scaled weights", margin=1
                ),
                "accuracy, batch normalisation": Contrast(
                    "test/accuracy",
                    "relu, 12 layers, batch normalisation",
                    "sigmoid, 12 layers, batch normalisation",
                    margin=1,
                ),
                "accuracy, each at its own rate": Contrast(
                    "test/accuracy",
                    designs.own_rate_arm(arm("relu", 12)),
                    designs.own_rate_arm(arm("sigmoid", 12)),
                    margin=1,
                ),
                "accuracy, 4 layers": Contrast("test/accuracy", arm("relu", 4), arm("sigmoid", 4), margin=1),
                "accuracy, 6 layers": Contrast("test/accuracy", arm("relu", 6), arm("sigmoid", 6), margin=1),
            },
            caveat="What reaches the first layer is its gradient's norm over its weights' norm, as a ratio to the last "
            "layer's, after the first step.",
        ),
    ),
)
