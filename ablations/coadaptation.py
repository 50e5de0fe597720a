"""Does dropout make hidden units less dependent on each other? (Srivastava et al. 2014, section 7.1)."""

from ablations import Ask, Claim, Contrast, Study

WITH, WITHOUT, MATCHED = "p = 0.5", "p = 0", "p = 0, at a matched training loss"

STUDY = Study(
    question="Are the last hidden units less correlated, and more of them different, after training with dropout?",
    arms={
        WITH: {},
        WITHOUT: {"dropout": 0.0},
        MATCHED: {"dropout": 0.0, "epochs": 0.625},  # reaches about the training loss of p = 0.5 (docs/log.md)
    },
    probes=tuple(Ask("co-adaptation", (arm,)) for arm in (WITH, WITHOUT, MATCHED)),
    claims=(
        Claim(
            "dropout-coadaptation",
            "Dropout makes the units of the last hidden layer less correlated, and raises their effective rank",
            (
                Contrast("features/correlation/fc7", WITH, MATCHED, margin=0.02, direction="lower"),
                Contrast("features/rank/fc7", WITH, MATCHED, margin=1.1, ratio=True),
            ),
            caveat="Training drives units together, and dropout slows training: hence the arm without dropout that "
            "trains for less long, to about the training loss that dropout ends with (see the arms).",
        ),
    ),
)
