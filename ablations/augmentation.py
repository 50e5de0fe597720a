"""Do mirroring and random crops reduce overfitting? (Krizhevsky et al. 2012, section 4.1)"""

from ablations.designs import overfits_less
from ablations.study import Claim, Published, Study

HALF = {"epochs": 0.5}


STUDY = Study(
    question="Do mirroring and random crops reduce overfitting, and at which training budget?",
    arms={
        "both": {},
        "none": {"augmentation": "none"},
        "mirror": {"augmentation": "mirror"},
        "crop": {"augmentation": "crop"},
        "the document's": {"augmentation": "document"},
        "both, half the epochs": HALF,
        "none, half the epochs": {"augmentation": "none", **HALF},
    },
    claims=(
        Claim(
            "augmentation",
            "Mirroring and random crops narrow the gap between training and test accuracy and raise test accuracy",
            overfits_less("both", "none", 1, "all epochs")
            + overfits_less("both, half the epochs", "none, half the epochs", 1, "half the epochs"),
            published=(
                Published("+3.6 points, from crops alone", "Zhang et al. 2017, table 1: small AlexNet", part=1),
            ),
            regimes="the training budget",
        ),
    ),
)
