"""Does dropout average exponentially many sub-networks? (Srivastava et al. 2014, section 7.5).

Margins are percentage points, for the log loss nats; 'equal' means that the 90 % interval of the difference lies within
the margin. A mask is a random choice of the units that dropout keeps; masks and networks are averaged by their
probabilities.
"""

from ablations import AGAIN, Ask, Claim, Contrast, Published, Study

ARM, SCALED, ALL_MASKS = "p = 0.5", "weight scaling", "arithmetic mean of 200 masks"
GAIN = "masks' gain less half the networks'"  # gains: 30 masks against one, 5 networks against one
SETTING = "AlexNet scaled to the data with dropout 0.5, no augmentation"

STUDY = Study(
    question="Is a network with dropout an average of its sub-networks, and is averaging why dropout helps?",
    topic="Dropout",
    arms={ARM: {"dropout": 0.5}},
    probes=(
        Ask("sub-networks", (ARM,), (SCALED, "1 mask", ALL_MASKS)),
        Ask("averages", (ARM, AGAIN), (GAIN,)),  # AGAIN: the same arm, trained from other seeds
    ),
    claims=(
        Claim(
            "dropout-ensemble",
            "At test time dropout amounts to averaging the sub-networks",
            setting=SETTING,
            stated=(Contrast("masks/accuracy", SCALED, ALL_MASKS, margin=0.5, direction="equal"),),
            beyond={
                "log loss": Contrast("masks/loss", SCALED, ALL_MASKS, margin=0.05, direction="equal"),
                "calibration error": Contrast(
                    "masks/calibration_error", SCALED, ALL_MASKS, margin=1, direction="equal"
                ),
            },
            published=(
                Published("about 50 masks match weight scaling, on MNIST", "Srivastava et al. 2014, section 7.5"),
            ),
        ),
        Claim(
            "dropout-averaging",
            "Averaging its masks gains more than half of what averaging independent networks gains",
            kind="literature",  # what papers suggest about the subject and the article does not claim
            setting=SETTING,
            stated=(Contrast("networks/accuracy", GAIN, 0.0, margin=0.1),),
            caveat="The mean over 30 masks against one mask; the mean over 5 networks, trained from other seeds, "
            "against one, each by weight scaling.",
        ),
    ),
)
