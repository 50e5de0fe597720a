"""Does dropout reduce overfitting? (Krizhevsky et al. 2012, section 4.2; Srivastava et al. 2014)."""

from ablations import CAFFENET, Claim, Levels, Printed, Published, Scale, Study, designs

RATES: dict[str, Levels] = {f"p = {p:g}": {"dropout": p} for p in (0.5, 0.0, 0.3, 0.7)}
PLAIN, TWICE = ", no augmentation", ", twice the epochs"

STUDY = Study(
    question="Does dropout before the fully connected layers reduce overfitting, with and without augmentation?",
    arms={
        **RATES,
        **{arm + PLAIN: {**levels, "augmentation": "none"} for arm, levels in RATES.items()},
        **{arm + TWICE: {**RATES[arm], "epochs": 2} for arm in ("p = 0.5", "p = 0")},
        **{arm + PLAIN + TWICE: {**RATES[arm], "augmentation": "none", "epochs": 2} for arm in ("p = 0.5", "p = 0")},
    },
    scale=Scale(
        "Dropout p",
        {
            "with augmentation": {arm: levels["dropout"] for arm, levels in RATES.items()},
            "without augmentation": {arm + PLAIN: levels["dropout"] for arm, levels in RATES.items()},
        },
        metrics=("test/accuracy", "gap/accuracy"),
    ),
    printed=Printed(CAFFENET, {"p = 0.5": 0.470, "p = 0.3": 0.497}),
    claims=(
        Claim(
            "dropout-overfit",
            "Dropout narrows the gap between training and test accuracy and raises test accuracy",
            tuple(
                part
                for suffix, regime in (
                    ("", "with augmentation"),
                    (PLAIN, "without augmentation"),
                    (TWICE, "with augmentation, twice the epochs"),
                    (PLAIN + TWICE, "without augmentation, twice the epochs"),
                )
                for part in designs.less_overfitting(
                    f"p = 0.5{suffix}", f"p = 0{suffix}", gap=2, accuracy=0.5, regime=regime
                )
            ),
            published=(Published("14.98 to 14.32 % error on CIFAR-10", "Srivastava et al. 2014, table 3", part=3),),
            regimes="augmentation and the budget",
        ),
    ),
)
