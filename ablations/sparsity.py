"""Is there a best share of active units? (Glorot et al. 2011, section 4.2)."""

from ablations import Claim, Contrast, Published, Requires, Scale, Study

NATURAL, MORE, SOME, FEWER = "no penalty", "activity rewarded", "a small penalty", "a larger penalty"
WINNERS = {f"{percent} % win": percent for percent in (20, 50)}

STUDY = Study(
    question="Does accuracy peak where 15 to 30 % of the units are active?",
    arms={
        NATURAL: {},
        MORE: {"activation_penalty": -0.01},
        SOME: {"activation_penalty": 0.1},
        FEWER: {"activation_penalty": 1.0},
        **{arm: {"activation": "k-winners", "active": percent / 100} for arm, percent in WINNERS.items()},
    },
    scale=Scale(
        "Active units, %",
        {
            "a penalty on activations": dict.fromkeys((NATURAL, MORE, SOME, FEWER), "sparsity/active/mean"),
            "the largest responses win": dict.fromkeys(WINNERS, "sparsity/active/mean"),
        },
    ),
    claims=(
        Claim(
            "sparsity-optimum",
            "Accuracy is best where 15 to 30 % of the units are active",
            setting="the house network, a penalty on activations: 15 to 30 % active against 40 to 60 %",
            stated=(Contrast("test/accuracy", FEWER, MORE, margin=0.3),),
            requires=(
                Requires("sparsity/active/mean", FEWER, at_least=15, at_most=30, advice="another penalty"),
                Requires("sparsity/active/mean", MORE, at_least=40, at_most=60, advice="another penalty"),
            ),
            beyond={
                "the largest responses win": Contrast("test/accuracy", "20 % win", "50 % win", margin=0.3),
                "against no penalty": Contrast("test/accuracy", FEWER, NATURAL, margin=0.3),
            },
            published=(Published("no harm up to about 85 % zeros", "Glorot et al. 2011, section 4.2"),),
            caveat="A penalty brings a share that is measured: see active units in the table of arms.",
        ),
    ),
)
