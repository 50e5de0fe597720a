"""Does depth matter? (Krizhevsky et al. 2012, section 7: about 2 points for any layer that is left out)."""

from ablations import Claim, Contrast, Published, Study

STUDY = Study(
    question="What does leaving out convolutions, or adding one, do to accuracy?",
    arms={
        "8 layers": {},
        "without conv3": {"without": ("conv3",)},
        "without conv4": {"without": ("conv4",)},
        "without conv3 and conv4": {"without": ("conv3", "conv4")},
        "9 layers": {"extra": 1},
    },
    claims=(
        Claim(
            "depth",
            "Each layer counts: without the middle convolutions, together or one of them, test accuracy is lower",
            (
                Contrast("test/accuracy", "8 layers", "without conv3", margin=0.5),
                Contrast("test/accuracy", "8 layers", "without conv4", margin=0.5),
                Contrast("test/accuracy", "8 layers", "without conv3 and conv4", margin=1),
            ),
            published=(Published("about 2 points of top-1 for a layer", "Krizhevsky et al. 2012, section 7"),),
            caveat="In this network the middle convolutions see maps of 3x3 pixels. Parameters change with depth.",
        ),
    ),
)
