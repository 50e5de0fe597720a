"""Does dropout make hidden units less dependent on each other? (Srivastava et al. 2014, section 7.1).

Margins are factors (a correlation lower by 10 % is one divided by 1 / 0.9), for the loss nats;
'equal' means that the 90 % interval of the difference lies within the margin.
"""

from ablations import Ask, Claim, Contrast, Study

WITHOUT, WITH, MATCHED = "p = 0", "p = 0.5", "p = 0, at a matched training loss"
SETTING = "AlexNet scaled to the data: its last hidden layer, at the training loss that dropout ends with"

STUDY = Study(
    question="Are the last hidden units less correlated, and more of them different, after training with dropout?",
    topic="Dropout",
    arms={
        WITHOUT: {"dropout": 0.0},
        WITH: {"dropout": 0.5},
        MATCHED: {"dropout": 0.0, "epochs": 0.7},  # reaches about the training loss of p = 0.5 (docs/log.md)
    },
    probes=(Ask("co-adaptation", (WITHOUT,)), Ask("co-adaptation", (WITH,)), Ask("co-adaptation", (MATCHED,))),
    claims=(
        Claim(
            "dropout-coadaptation",
            "Dropout makes the units of the last hidden layer depend less on each other",
            setting=SETTING,
            stated=(
                Contrast("features/correlation/fc7", WITH, MATCHED, margin=1 / 0.9, direction="lower", ratio=True),
            ),
            beyond={
                "training loss, against the matched arm": Contrast(
                    "train/loss", WITH, MATCHED, margin=0.05, direction="equal"
                ),
                "at equal epochs": Contrast(
                    "features/correlation/fc7", WITH, WITHOUT, margin=1 / 0.9, direction="lower", ratio=True
                ),
            },
            caveat="Training drives units together, and dropout slows training: hence the arm without dropout that "
            "trains for less long (see the arms).",
        ),
        Claim(
            "dropout-rank",
            "Dropout raises the effective rank of the last hidden layer",
            kind="literature",  # what papers suggest about the subject and the article does not claim
            setting=SETTING,
            stated=(Contrast("features/rank/fc7", WITH, MATCHED, margin=1.1, ratio=True),),
        ),
    ),
)
