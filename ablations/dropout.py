"""Does dropout reduce overfitting? (Krizhevsky et al. 2012, section 4.2; Srivastava et al. 2014)"""

from ablations.designs import overfits_less
from ablations.study import Claim, Published, Study

STUDY = Study(
    question="Does dropout before the fully connected layers reduce overfitting, with and without augmentation?",
    arms={
        "p = 0.5": {},
        "p = 0": {"dropout": 0.0},
        "p = 0.5, no augmentation": {"augmentation": "none"},
        "p = 0, no augmentation": {"dropout": 0.0, "augmentation": "none"},
    },
    probes={"sub-networks": "p = 0.5"},
    claims=(
        Claim(
            "dropout-overfit",
            "Dropout narrows the gap between training and test accuracy and raises test accuracy",
            overfits_less("p = 0.5", "p = 0", 0.5, "with augmentation")
            + overfits_less("p = 0.5, no augmentation", "p = 0, no augmentation", 0.5, "without augmentation"),
            published=(Published("14.98 to 14.32 % error on CIFAR-10", "Srivastava et al. 2014, table 3", part=1),),
            regimes="augmentation",
        ),
    ),
)
