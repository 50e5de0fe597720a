"""Is there a best share of active units? (Glorot et al. 2011, section 4.2)"""

from ablations.study import Claim, Contrast, Published, Study

DOSES = {  # the penalty's weight, by the share of active units that it brings (docs/log.md)
    "60 % active": 0.0,
    "50 % active": 0.001,
    "40 % active": 0.003,
    "22 % active": 0.01,
    "10 % active": 0.03,
    "5 % active": 0.1,
}

STUDY = Study(
    question="Does accuracy peak where 15 to 30 % of the units are active?",
    arms={arm: {"activation_penalty": dose} for arm, dose in DOSES.items()},
    seeds={"standard": 8},
    claims=(
        Claim(
            "sparsity-optimum",
            "Test accuracy is higher where 15 to 30 % of the units are active than where 40 to 60 % are",
            (Contrast("test/accuracy", "22 % active", "50 % active", margin=0.3),),
            published=(Published("no harm up to about 85 % zeros", "Glorot et al. 2011, section 4.2"),),
            caveat="The dose is an L1 penalty on the activations; what share is active is measured (see exact zeros).",
        ),
    ),
)
