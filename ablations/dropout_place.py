"""Where does dropout belong? (Krizhevsky et al. 2012, section 4.2; Srivastava et al. 2014, table 3).

Margins are percentage points of test accuracy. Each place has one p, tuned on validation accuracy.
"""

from ablations import Claim, Contrast, Published, Study, Tuning

CONNECTED, CONVOLUTIONAL, EVERYWHERE = "fully connected", "convolutional", "everywhere"

STUDY = Study(
    question="Does dropout belong in the fully connected layers only, when each place has the p that suits it best?",
    topic="Dropout",
    arms={
        "nowhere": {"dropout": 0.0},
        CONNECTED: {"dropout_place": "fc"},
        CONVOLUTIONAL: {"dropout_place": "conv"},
        EVERYWHERE: {"dropout_place": "all"},
    },
    tuning=Tuning(
        "dropout",
        grid=(0.02, 0.05, 0.1, 0.2, 0.4, 0.7),
        arms=(CONNECTED, CONVOLUTIONAL, EVERYWHERE),
        ratio=1.5,  # a level beyond an edge of the grid that is best is 1.5 times further out
    ),
    claims=(
        Claim(
            "dropout-place",
            "Dropout belongs in the last, fully connected layers only",
            setting="AlexNet scaled to the data without augmentation, each place with its own p",
            stated=(
                Contrast("test/accuracy", CONNECTED, EVERYWHERE, margin=0.3),
                Contrast("test/accuracy", CONNECTED, CONVOLUTIONAL, margin=0.3),
            ),
            beyond={"against none": Contrast("test/accuracy", CONNECTED, "nowhere", margin=0.3)},
            published=(
                Published("14.32 to 12.61 % error, by dropout in all layers", "Srivastava et al. 2014, table 3"),
                Published("dropout in convolutions harms", "Mishkin et al. 2017"),
            ),
        ),
    ),
)
