"""Does ReLU ease vanishing gradients, so that deeper networks train? (Glorot et al. 2011; Glorot & Bengio 2010)."""

from ablations import Claim, Contrast, Levels, Scale, Study, designs

GRADIENT = "gradient/first_to_last/start"
DEPTHS: dict[int, Levels] = {
    4: {"without": ("conv3", "conv4", "conv5", "fc7")},
    6: {"without": ("conv3", "conv4")},
    8: {},
    12: {"extra": 4},
}
ACTIVATIONS = ("relu", "tanh", "sigmoid")


def arm(activation: str, layers: int) -> str:
    """Return the name of the arm with an activation and a number of layers."""
    return f"{activation}, {layers} layers"


def arms(*depths: int) -> dict[str, Levels]:
    """Return an arm for each activation and number of layers."""
    return {
        arm(activation, layers): {"activation": activation, **DEPTHS[layers]}
        for layers in depths
        for activation in ACTIVATIONS
    }


def deep_arms(suffix: str, **levels: str) -> dict[str, Levels]:
    """Return the arms with ReLU and sigmoid and 12 layers, with further levels that the suffix names."""
    return {
        f"{arm(activation, 12)}{suffix}": {"activation": activation, **DEPTHS[12], **levels}
        for activation in ("relu", "sigmoid")
    }


STUDY = Study(
    question="How much of the gradient reaches the first layer, and how deep a network trains, with each activation?",
    base={"initial": "glorot"},
    arms={
        **arms(8, 12, 4, 6),
        **deep_arms(", scaled weights", initial="scaled"),
        **deep_arms(", batch normalisation", normalisation="batch"),
        **designs.own_rate_arms(deep_arms("")),
    },
    tuning=designs.rate_tuning(deep_arms("")),
    scale=Scale(
        "Layers",
        {activation: {arm(activation, layers): layers for layers in DEPTHS} for activation in ACTIVATIONS},
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
