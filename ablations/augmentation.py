"""Do mirroring and random crops reduce overfitting? (Krizhevsky et al. 2012, section 4.1)."""

from ablations import Claim, Published, Study, designs

TWICE = {"epochs": 2}  # a factor of the profile's number of epochs

STUDY = Study(
    question="Do mirroring and random crops reduce overfitting, and at which training budget?",
    arms={
        "both": {},
        "none": {"augmentation": "none"},
        "mirror": {"augmentation": "mirror"},
        "crop": {"augmentation": "crop"},
        "the document's": {"augmentation": "document"},
        "both, twice the epochs": TWICE,
        "none, twice the epochs": {"augmentation": "none", **TWICE},
    },
    claims=(
        Claim(
            "augmentation",
            "Mirroring and random crops narrow the gap between training and test accuracy and raise test accuracy",
            (
                *designs.less_overfitting("both", "none", gap=2, accuracy=1, regime="the profile's epochs"),
                *designs.less_overfitting(
                    "both, twice the epochs", "none, twice the epochs", gap=2, accuracy=1, regime="twice the epochs"
                ),
            ),
            published=(
                Published("+3.6 points, from crops alone", "Zhang et al. 2017, table 1: small AlexNet", part=1),
            ),
            regimes="the training budget",
        ),
    ),
)
