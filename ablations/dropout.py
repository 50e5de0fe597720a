"""Does dropout reduce overfitting? (Krizhevsky et al. 2012, section 4.2; Srivastava et al. 2014).

Margins are percentage points; epochs are multiples of the profile's. Training accuracy and the gap to test accuracy are
measured on images as they are, without augmentation and dropout. The claim holds if both stated comparisons do.
"""

from ablations import Claim, Contrast, Published, Requires, Scale, Study

STUDY = Study(
    question="Does dropout before the fully connected layers reduce overfitting?",
    topic="Dropout",
    arms={
        "p = 0": {"dropout": 0.0},
        "p = 0.5": {"dropout": 0.5},
        "p = 0.3": {"dropout": 0.3},
        "p = 0.7": {"dropout": 0.7},
        "p = 0, twice the epochs": {"dropout": 0.0, "epochs": 2},
        "p = 0.5, twice the epochs": {"dropout": 0.5, "epochs": 2},
        "p = 0, with augmentation": {"dropout": 0.0, "augmentation": "both"},
        "p = 0.5, with augmentation": {"dropout": 0.5, "augmentation": "both"},
    },
    scale=Scale(
        "Dropout p",
        {"without augmentation": {"p = 0": 0, "p = 0.3": 0.3, "p = 0.5": 0.5, "p = 0.7": 0.7}},
        metrics=("test/accuracy", "gap/accuracy"),
    ),
    claims=(
        Claim(
            "dropout-overfit",
            "Dropout in the fully connected layers avoids overfitting",
            setting="AlexNet scaled to the data without augmentation",
            stated=(
                Contrast("test/accuracy", "p = 0.5", "p = 0", margin=0.5),
                Contrast("gap/accuracy", "p = 0.5", "p = 0", margin=2, direction="lower"),
            ),
            requires=(
                Requires("train/accuracy", "p = 0", at_least=95, advice="more epochs or a wider network"),
                Requires("gap/accuracy", "p = 0", at_least=10, advice="fewer or more difficult images"),
            ),
            beyond={
                "p = 0.3": Contrast("test/accuracy", "p = 0.3", "p = 0", margin=0.5),
                "p = 0.7": Contrast("test/accuracy", "p = 0.7", "p = 0", margin=0.5),
                "twice the epochs": Contrast(
                    "test/accuracy", "p = 0.5, twice the epochs", "p = 0, twice the epochs", margin=0.5
                ),
                "beside augmentation": Contrast(
                    "test/accuracy", "p = 0.5, with augmentation", "p = 0, with augmentation", margin=0.5
                ),
            },
            published=(
                Published(
                    "14.98 to 14.32 % error on CIFAR-10, by dropout in the connected layers",
                    "Srivastava et al. 2014, table 3",
                ),
                Published("47.0 % accuracy with p = 0.5, 49.7 % with p = 0.3, on ImageNet", "Mishkin et al. 2017"),
            ),
        ),
    ),
)
