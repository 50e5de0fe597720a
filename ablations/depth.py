"""Does depth matter? (Krizhevsky et al. 2012, section 7: about 2 points for any middle layer that is left out).

Margins are percentage points of test accuracy; the trend's are points for a layer.
"""

from ablations import Claim, Contrast, Published, Scale, Study, designs

LAYERS = {"8 layers": 8, "without conv4": 7, "without conv3 and conv4": 6, "without conv3, conv4 and conv5": 5}
TREND = "each layer more"

STUDY = Study(
    question="Does accuracy grow with every layer, and how much does each additional layer add?",
    topic="Depth",
    arms={
        "8 layers": {},
        "without conv4": {"without": ("conv4",)},
        "without conv3 and conv4": {"without": ("conv3", "conv4")},
        "without conv3, conv4 and conv5": {"without": ("conv3", "conv4", "conv5")},
        "without conv3": {"without": ("conv3",)},
        "without conv5": {"without": ("conv5",)},
        "without fc7": {"without": ("fc7",)},
        "9 layers": {"extra": 1},  # another 3x3 convolution after conv5
    },
    combinations={TREND: designs.slope(LAYERS)},
    scale=Scale("Layers", {"convolutions left out": LAYERS}),
    claims=(
        Claim(
            "depth",
            "A deeper network is more accurate",
            setting="AlexNet scaled to the data, with 5, 6, 7 and 8 layers (convolutions left out); regression",
            stated=(Contrast("test/accuracy", TREND, 0.0, margin=0.3),),
            beyond={
                "conv3 left out alone": Contrast("test/accuracy", "8 layers", "without conv3", margin=0.3),
                "conv4 left out alone": Contrast("test/accuracy", "8 layers", "without conv4", margin=0.3),
                "conv5 left out alone": Contrast("test/accuracy", "8 layers", "without conv5", margin=0.3),
                "fc7 left out alone": Contrast("test/accuracy", "8 layers", "without fc7", margin=0.3),
                "a ninth layer": Contrast("test/accuracy", "9 layers", "8 layers", margin=0.3),
            },
            published=(Published("about 2 points of top-1 for any middle layer", "Krizhevsky et al. 2012, section 7"),),
            caveat="Parameters and work change with depth. The slope is fitted within each seed.",
        ),
    ),
)
