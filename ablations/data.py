"""How much does a large data set contribute? (Krizhevsky et al. 2012, section 1, Mishkin et al. 2017).

Margins are percentage points of test accuracy. Shares of the images and epochs are multiples of the profile's.
"""

from ablations import Claim, Contrast, Published, Scale, Study

ALL, HALF, QUARTER, TENTH, TWENTIETH = (f"{share} % of the images" for share in (100, 50, 25, 10, 5))
TENTH_AS_MANY_STEPS = f"{TENTH}, as many steps"

STUDY = Study(
    question="How does test accuracy grow with the number of training images?",
    topic="Data",
    arms={
        ALL: {},
        TENTH_AS_MANY_STEPS: {"share": 0.1, "epochs": 10},
        HALF: {"share": 0.5},
        QUARTER: {"share": 0.25},
        TENTH: {"share": 0.1},
        TWENTIETH: {"share": 0.05},
    },
    scale=Scale(
        "Share of the images, %",
        {"equal epochs": {ALL: 100, HALF: 50, QUARTER: 25, TENTH: 10, TWENTIETH: 5}},
        log=True,
    ),
    claims=(
        Claim(
            "data",
            "AlexNet's success came from a lot of data: ten times as many images raise test accuracy by 5 points",
            setting="AlexNet scaled to the data, all images against a tenth of them, trained for equally many steps",
            stated=(Contrast("test/accuracy", ALL, TENTH_AS_MANY_STEPS, margin=5),),
            beyond={"equal epochs": Contrast("test/accuracy", ALL, TENTH, margin=5)},
            published=(
                Published(
                    "30.5 to 47.1 % top-1 accuracy on ImageNet, from 0.2 to 1.2 million images", "Mishkin et al. 2017"
                ),
            ),
            caveat="At equal epochs fewer images also mean fewer steps; at equal steps each image is seen ten times as "
            "often.",
        ),
    ),
)
