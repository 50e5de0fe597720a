"""Do mirroring and random crops reduce overfitting? (Krizhevsky et al. 2012, section 4.1).

Margins are percentage points; epochs are multiples of the profile's. Training accuracy and the gap to test accuracy are
measured on images as they are, without augmentation and dropout. The claim holds if both stated comparisons do.
"""

from ablations import Claim, Contrast, Published, Requires, Study

STUDY = Study(
    question="Do mirroring and random crops reduce overfitting?",
    topic="Augmentation",
    arms={
        "none": {"augmentation": "none"},
        "both": {"augmentation": "both"},
        "mirror": {"augmentation": "mirror"},
        "crop": {"augmentation": "crop"},
        # A crop of random size and shape, resized, and mirroring: the training script of the tested article
        "the article's resized crop": {"augmentation": "document"},
        "none, twice the epochs": {"augmentation": "none", "epochs": 2},
        "both, twice the epochs": {"augmentation": "both", "epochs": 2},
        "none, with dropout": {"augmentation": "none", "dropout": 0.5},
        "both, with dropout": {"augmentation": "both", "dropout": 0.5},
    },
    claims=(
        Claim(
            "augmentation",
            "Mirroring and random crops reduce overfitting",
            setting="AlexNet scaled to the data, no other regularisation",
            stated=(
                Contrast("test/accuracy", "both", "none", margin=1),
                Contrast("gap/accuracy", "both", "none", margin=2, direction="lower"),
            ),
            requires=(
                Requires("train/accuracy", "none", at_least=95, advice="more epochs or a wider network"),
                Requires("gap/accuracy", "none", at_least=10, advice="fewer or more difficult images"),
            ),
            beyond={
                "mirroring alone": Contrast("test/accuracy", "mirror", "none", margin=1),
                "crops alone": Contrast("test/accuracy", "crop", "none", margin=1),
                "the article's resized crop": Contrast("test/accuracy", "the article's resized crop", "none", margin=1),
                "twice the epochs": Contrast(
                    "test/accuracy", "both, twice the epochs", "none, twice the epochs", margin=1
                ),
                "beside dropout": Contrast("test/accuracy", "both, with dropout", "none, with dropout", margin=1),
            },
            published=(Published("+3.6 points of CIFAR-10 accuracy, from crops alone", "Zhang et al. 2017, table 1"),),
        ),
    ),
)
