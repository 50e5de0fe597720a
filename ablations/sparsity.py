"""Is there a best share of active units? (Glorot et al. 2011, section 4.2)."""

from ablations import Claim, Contrast, Levels, Published, Scale, Study

# Weights of an activation penalty, named by the resulting share of active units (docs/log.md)
PENALTIES: dict[str, Levels] = {
    "48 % active": {},
    "45 % active": {"activation_penalty": 0.1},
    "38 % active": {"activation_penalty": 0.3},
    "27 % active": {"activation_penalty": 0.7},
    "19 % active": {"activation_penalty": 1.0},
    "11 % active": {"activation_penalty": 2.0},
}
WINNERS: dict[str, Levels] = {
    f"{share:.0%} win".replace("%", " %"): {"activation": "k-winners", "active": share}
    for share in (0.05, 0.1, 0.2, 0.5, 0.7, 0.9)
}

STUDY = Study(
    question="Does accuracy peak where 15 to 30 % of the units are active?",
    base={"normalisation": "batch", "dropout": 0.0, "augmentation": "none"},
    arms={**PENALTIES, **WINNERS},
    seeds={"standard": 8},
    scale=Scale(
        "Exact zeros, %",
        {
            "a penalty on activations": dict.fromkeys(PENALTIES, "sparsity/zeros/mean"),
            "the largest responses win": dict.fromkeys(WINNERS, "sparsity/zeros/mean"),
        },
    ),
    claims=(
        Claim(
            "sparsity-optimum",
            "Test accuracy is higher where 15 to 30 % of the units are active than where 40 to 60 % are",
            (
                Contrast("test/accuracy", "19 % active", "48 % active", margin=0.3, regime="a penalty on activations"),
                Contrast("test/accuracy", "20 % win", "50 % win", margin=0.3, regime="the largest responses win"),
            ),
            published=(Published("no harm up to about 85 % zeros", "Glorot et al. 2011, section 4.2"),),
            regimes="what sets the share",
            caveat="A penalty on the activations brings a share that is measured: see exact zeros. Where the largest "
            "responses win the share is given, and there is no ReLU. Batch normalisation keeps about half of the units "
            "active where nothing else is asked.",
        ),
    ),
)
