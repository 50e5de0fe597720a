"""Does ReLU ease vanishing gradients, so that deeper networks train? (Glorot et al. 2011; Glorot & Bengio 2010).

Margins are factors for ratios of gradients, percentage points for accuracies. The claim holds if all stated comparisons
do. An arm 'own rate' repeats an arm at the learning rate that gives it the best validation accuracy.
"""

from ablations import Claim, Contrast, Levels, Scale, Study, designs

# The first layer's gradient norm over its weight norm, as a ratio to the last layer's, after the first step
RELATIVE_GRADIENT = "gradient/first_to_last/start"
DEPTHS: dict[int, Levels] = {
    4: {"without": ("conv3", "conv4", "conv5", "fc7")},
    6: {"without": ("conv3", "conv4")},
    8: {},
    12: {"extra": 4},  # four more 3x3 convolutions after conv5
}
ACTIVATIONS = ("relu", "tanh", "sigmoid")


def name_arm(activation: str, layers: int) -> str:
    """Return the name of the arm with an activation and a number of layers."""
    return f"{activation}, {layers} layers"


def make_arms(*depths: int) -> dict[str, Levels]:
    """Return an arm for each activation and number of layers."""
    return {
        name_arm(activation, layers): {"activation": activation, **DEPTHS[layers]}
        for layers in depths
        for activation in ACTIVATIONS
    }


def make_deep_arms(suffix: str, **levels: str) -> dict[str, Levels]:
    """Return the arms with ReLU and sigmoid and 12 layers, with further levels that the suffix names."""
    return {
        f"{name_arm(activation, 12)}{suffix}": {"activation": activation, **DEPTHS[12], **levels}
        for activation in ("relu", "sigmoid")
    }


STUDY = Study(
    question="Does ReLU ease vanishing gradients, so that deeper networks train?",
    topic="ReLU",
    base={"initial": "glorot"},
    seeds={"quick": 3},  # of robustness checks; three suffice, because a network learns or does not
    arms={
        **make_arms(8, 12, 4, 6),
        **make_deep_arms(", scaled weights", initial="scaled"),
        **make_deep_arms(", batch normalisation", normalisation="batch"),
        **designs.own_rate_arms(make_deep_arms("")),
    },
    tuning=designs.rate_tuning(make_deep_arms("")),
    scale=Scale(
        "Layers",
        {activation: {name_arm(activation, layers): layers for layers in DEPTHS} for activation in ACTIVATIONS},
        metrics=("test/accuracy", RELATIVE_GRADIENT),
    ),
    claims=(
        Claim(
            "relu-gradient",
            "ReLU eases vanishing gradients, so that deeper networks train",
            setting="AlexNet scaled to the data with 8 and 12 layers, all activations from Glorot's initial weights",
            stated=(
                *(
                    Contrast(RELATIVE_GRADIENT, name_arm("relu", layers), name_arm(other, layers), margin=2, ratio=True)
                    for layers in (8, 12)
                    for other in ("sigmoid", "tanh")
                ),
                Contrast("test/accuracy", name_arm("relu", 12), name_arm("sigmoid", 12), margin=1),
            ),
            beyond={
                "accuracy, against tanh": Contrast(
                    "test/accuracy", name_arm("relu", 12), name_arm("tanh", 12), margin=1
                ),
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
                    designs.own_rate_arm(name_arm("relu", 12)),
                    designs.own_rate_arm(name_arm("sigmoid", 12)),
                    margin=1,
                ),
                "accuracy, 4 layers": Contrast("test/accuracy", name_arm("relu", 4), name_arm("sigmoid", 4), margin=1),
                "accuracy, 6 layers": Contrast("test/accuracy", name_arm("relu", 6), name_arm("sigmoid", 6), margin=1),
            },
            caveat="The gradient is measured after the first step: the first layer's norm over that of its weights, as "
            "a ratio to the last layer's.",
        ),
    ),
)
