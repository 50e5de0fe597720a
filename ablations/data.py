"""How much does a large data set contribute? (Krizhevsky et al. 2012, section 1, Mishkin et al. 2017)."""

from ablations import CAFFENET, Claim, Contrast, Printed, Published, Scale, Study

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)


def arm(share: float) -> str:
    """Return the name of the arm that trains on a share of the images."""
    return f"{share:.0%} of the images".replace("%", " %")


STEPS = f"{arm(0.1)}, as many steps"

STUDY = Study(
    question="How does test accuracy grow with the number of training images?",
    arms={**{arm(share): {"share": share} for share in SHARES}, STEPS: {"share": 0.1, "epochs": 10}},
    scale=Scale("Share of the images, %", {"equal epochs": {arm(share): 100 * share for share in SHARES}}, log=True),
    printed=Printed(CAFFENET, {arm(1): 0.471, arm(0.5): 0.425}),
    claims=(
        Claim(
            "data",
            "Ten times as many training images raise test accuracy by more than 5 points",
            (
                Contrast("test/accuracy", arm(1), arm(0.1), margin=5, regime="equal epochs"),
                Contrast("test/accuracy", arm(1), STEPS, margin=5, regime="equal steps"),
            ),
            published=(Published(".305 to .471 from 200 thousand to 1.2 million images", "Mishkin et al. 2017"),),
            regimes="what is held equal",
            caveat="At equal epochs fewer images also mean fewer steps; at equal steps each image is seen ten times as "
            "often.",
        ),
    ),
)
