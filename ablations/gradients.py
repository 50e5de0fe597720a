"""Does ReLU ease vanishing gradients, so that deeper networks train? (Glorot et al. 2011; Glorot & Bengio 2010)."""

from ablations import Claim, Contrast, Levels, Scale, Study, designs

DEPTHS: dict[int, Levels] = {
    8: {},
    4: {"without": ("conv3", "conv4", "conv5", "fc7")},
    6: {"without": ("conv3", "conv4")},
    12: {"extra": 4},
}
ACTIVATIONS = ("relu", "tanh", "sigmoid")
OTHERS = ACTIVATIONS[1:]


def arm(activation: str, depth: int) -> str:
    """Return the name of the arm with an activation and a number of layers."""
    return f"{activation}, {depth} layers"


PLAIN = {arm(a, depth): {"activation": a, **levels} for a in ACTIVATIONS for depth, levels in DEPTHS.items()}
NORMALISED = {
    f"{arm(a, 12)}, batch normalisation": {"activation": a, "extra": 4, "normalisation": "batch"} for a in ACTIVATIONS
}
TUNED = {arm(other, depth): arm(other, 8) for other in OTHERS for depth in DEPTHS}  # rates are tuned at 8 layers only


def gradient_contrasts(other: str) -> tuple[Contrast, ...]:
    """Return the contrasts of ReLU to another activation: the gradient at the first of 12 layers, and accuracy."""
    relu, rival = arm("relu", 12), arm(other, 12)
    shared_regime, own_regime = f"{other}, {designs.SHARED_RATE}", f"{other}, {designs.OWN_RATE}"
    return (
        Contrast("gradient/first_to_last/start", relu, rival, margin=2, ratio=True, regime=shared_regime),
        Contrast("gradient/first_to_last/epoch_1", relu, rival, margin=2, ratio=True, regime=shared_regime),
        Contrast("test/accuracy", relu, rival, margin=1, regime=shared_regime),
        Contrast("test/accuracy", relu, designs.own_rate_arm(rival), margin=1, regime=own_regime),
    )


STUDY = Study(
    question="How much of the gradient reaches the first layer, and how deep a network trains, with each activation?",
    base={"dropout": 0.0, "augmentation": "none"},
    arms=designs.add_own_rate_arms({**PLAIN, **NORMALISED}, TUNED),
    tuning=designs.learning_rate_tuning({**PLAIN, **NORMALISED}, TUNED),
    scale=Scale(
        "Layers",
        {
            **{a: {arm(a, depth): depth for depth in sorted(DEPTHS)} for a in ACTIVATIONS},
            **{
                designs.own_rate_arm(a): {designs.own_rate_arm(arm(a, depth)): depth for depth in sorted(DEPTHS)}
                for a in OTHERS
            },
            **{f"{a}, batch normalisation": {f"{arm(a, 12)}, batch normalisation": 12} for a in ACTIVATIONS},
        },
        metrics=("test/accuracy", "gradient/first_to_last/start", "gradient/first_to_last/epoch_1"),
    ),
    claims=(
        Claim(
            "relu-gradient",
            "With ReLU more of the gradient reaches the first of 12 layers, and the network learns more",
            tuple(part for other in OTHERS for part in gradient_contrasts(other)),
            regimes="the other activation and tuning",
            caveat="What reaches the first layer is its gradient's norm over its weights' norm, as a ratio to the last "
            "layer's. All activations start from weights scaled by their own gain. The arms with batch normalisation "
            "show how much of the difference it closes.",
        ),
    ),
)
