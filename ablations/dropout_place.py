"""Where does dropout belong? (Krizhevsky et al. 2012, section 4.2; Srivastava et al. 2014, table 3)."""

from ablations import Claim, Contrast, Levels, Published, Study, Tuning

PLACES: dict[str, Levels] = {
    "fully connected": {"dropout_place": "fc"},
    "convolutional": {"dropout_place": "conv"},
    "everywhere": {"dropout_place": "all"},
}

STUDY = Study(
    question="Does dropout belong in the fully connected layers only, when each place has the p that suits it best?",
    arms={**PLACES, "nowhere": {"dropout": 0.0}},
    tuning=Tuning("dropout", (0.1, 0.3, 0.5, 0.7), {arm: arm for arm in PLACES}, ratio=0),
    claims=(
        Claim(
            "dropout-place",
            "Dropout helps in the fully connected layers, and helps less in the convolutions or everywhere",
            tuple(
                Contrast("test/accuracy", "fully connected", other, margin=0.5)
                for other in ("nowhere", "convolutional", "everywhere")
            ),
            published=(
                Published(
                    "14.32 to 12.61 % error, by dropout in all layers", "Srivastava et al. 2014, table 3", part=2
                ),
                Published("dropout in convolutions harms", "Mishkin et al. 2017", part=1),
            ),
        ),
    ),
)
