"""Is there a best share of active units? (Glorot et al. 2011, section 4.2).

Margins are percentage points of test accuracy. Where the largest responses win, a layer keeps this share of its
responses to an image and sets the others to zero.
"""

from ablations import Claim, Contrast, Published, Requires, Scale, Study

NO_PENALTY, REWARD = "no penalty", "activity rewarded"
SMALL_PENALTY, LARGE_PENALTY = "a small penalty", "a larger penalty"
WINNERS = {f"{percent} % win": percent for percent in (20, 50)}

STUDY = Study(
    question="Does accuracy peak where 15 to 30 % of the units are active?",
    topic="Sparsity",
    arms={
        NO_PENALTY: {},
        REWARD: {"activation_penalty": -0.01},
        SMALL_PENALTY: {"activation_penalty": 0.1},
        LARGE_PENALTY: {"activation_penalty": 1.0},
        **{arm: {"activation": "k-winners", "active": percent / 100} for arm, percent in WINNERS.items()},
    },
    scale=Scale(
        "Active units, %",
        {
            "a penalty on activations": dict.fromkeys(
                (NO_PENALTY, REWARD, SMALL_PENALTY, LARGE_PENALTY), "sparsity/active/mean"
            ),
            "the largest responses win": dict.fromkeys(WINNERS, "sparsity/active/mean"),
        },
    ),
    claims=(
        Claim(
            "sparsity-optimum",
            "Accuracy is best where 15 to 30 % of the units are active",
            setting="AlexNet scaled to the data, a penalty on activations: 15 to 30 % active against 40 to 60 %",
            stated=(Contrast("test/accuracy", LARGE_PENALTY, REWARD, margin=0.3),),
            requires=(
                Requires("sparsity/active/mean", LARGE_PENALTY, at_least=15, at_most=30, advice="another penalty"),
                Requires("sparsity/active/mean", REWARD, at_least=40, at_most=60, advice="another penalty"),
            ),
            beyond={
                "the largest responses win": Contrast("test/accuracy", "20 % win", "50 % win", margin=0.3),
                "against no penalty": Contrast("test/accuracy", LARGE_PENALTY, NO_PENALTY, margin=0.3),
            },
            published=(Published("no harm up to about 85 % zeros", "Glorot et al. 2011, section 4.2"),),
            caveat="The penalty is on the mean absolute activation. The table of arms has the share of active units "
            "that it brings.",
        ),
    ),
)
